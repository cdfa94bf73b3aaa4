// An OpenID provider on a free port; prints its issuer. Who logs in is named by the login: the e-mail is the login,
// verified unless it begins with "unverified".
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const [redirect, confidential] = process.argv.slice(2);
const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const client = {
    client_id: 'flip',
    redirect_uris: [redirect],
    grant_types: ['authorization_code'],
    response_types: ['code'],
  };
  const provider = new Provider(issuer, {
    clients: [confidential ? { ...client, client_secret: confidential } : { ...client, token_endpoint_auth_method: 'none' }],
    pkce: { required: () => true },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, email: id, email_verified: !id.startsWith('unverified'), name: `Name of ${id}` }),
    }),
    cookies: { keys: ['a test needs no secret'] },
  });
  server.on('request', provider.callback());
  console.log(issuer);
});
