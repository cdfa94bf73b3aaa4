Connections.
-- app/client_app.py (more) --
import socket
import urllib.request
from http.client import HTTPSConnection


def go(url, connection: socket.socket):
    socket.create_connection(("example.org", 443))  #> network_access
    with socket.socket() as s:  #> network_access
        s.send(b"x")
    HTTPSConnection("example.org")  #> network_access
    urllib.request.urlopen(url)  #> network_access
    urllib.parse.quote("https://example.org")
    socket.gethostname()
