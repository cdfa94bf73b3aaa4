A bracket is lost.
-- app/client_app.py (more) --
def f(:  #> syntax_error
