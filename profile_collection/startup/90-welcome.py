"""Say what there is."""

from trxas.prompt.welcome import welcome

print(welcome(session))
