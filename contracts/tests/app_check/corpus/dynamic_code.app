Code that is computed; a model's eval and compile are not.
-- app/client_app.py (more) --
import ast
import importlib
import re


def go(model, text, name):
    eval(text)  #> dynamic_code
    exec(text)  #> dynamic_code
    __import__(name)  #> dynamic_code
    importlib.import_module(name)  #> dynamic_code
    importlib.import_module("app.models")
    model.eval()
    torch.compile(model)
    re.compile(text)
    ast.literal_eval(text)
