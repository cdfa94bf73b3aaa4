Other programs.
-- app/client_app.py (more) --
import subprocess
from os import system as call_shell
from subprocess import run


def go(model):
    subprocess.check_output(["nvidia-smi"])  #> process_start
    run(["ls"])  #> process_start
    call_shell("ls")  #> process_start
    os.popen("ls")  #> process_start
    try:
        model.run(["ls"])
    except subprocess.CalledProcessError:
        os.path.exists("ls")
