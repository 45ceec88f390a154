"""The first lines of the session."""

from trxas.prompt.welcome import welcome

print(welcome(session))
