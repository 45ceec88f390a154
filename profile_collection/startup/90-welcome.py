"""Say what there is."""

from trxas.welcome import welcome

print(welcome(session))
