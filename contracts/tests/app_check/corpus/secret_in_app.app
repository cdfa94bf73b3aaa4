Credentials in code, in the run config, in JSON and in YAML. Placeholders, words, hashes under other names and mentions are none.
expect: secret_in_app app/settings.json:3
-- pyproject.toml --
[project]
name = "base-app"
version = "1.0.0"
[tool.flwr.app]
publisher = "flwrlabs"
[tool.flwr.app.components]
serverapp = "app.server_app:app"
clientapp = "app.client_app:app"
[tool.flwr.app.config]
num-server-rounds = 3
upload-token = "@RANDOM40@"  #> secret_in_app
flip-model-id = "uuid"
flip-project-id = "uuid"
flip-cohort-query = "*"
-- app/settings.json --
{
  "model": "unet",
  "apiKey": "@RANDOM32@"
}
-- app/more.yaml --
name: unet
secret: @RANDOM32@  #> secret_in_app
-- app/client_app.py (more) --
PASSWORD = "@RANDOM40@"  #> secret_in_app
os.environ["HF_TOKEN"] = "hf_@RANDOM40@"  #> secret_in_app
connect = dict(secret_key="@RANDOM40@")  #> secret_in_app
AWS = "AKIA@UPPER16@"  #> secret_in_app
KEY = """-----BEGIN RSA PRIVATE KEY-----  #> secret_in_app
@RANDOM40@@RANDOM40@
-----END RSA PRIVATE KEY-----"""
mention = "the file begins with -----BEGIN PRIVATE KEY----- and is not ours"
aws_documentation = "AKIAIOSFODNN7EXAMPLE"
token = os.environ.get("TOKEN", "")
pad_token = "[PAD]"
password = "change-me-please-change-me"
tokenizer = "microsoft/BiomedNLP-PubMedBERT-base-uncased-abstract"
sha256 = "@RANDOM40@"
