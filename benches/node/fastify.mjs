// Fastify: `node fastify.mjs open|protected`. Reads its settings from the environment and prints its port.
import Fastify from 'fastify'
import jwt from '@fastify/jwt'

const app = Fastify()
if (process.argv[2] === 'protected') {
  await app.register(jwt, {
    secret: Buffer.from(process.env.SECRET, 'hex'),
    verify: {
      algorithms: ['HS256'],
      allowedIss: process.env.ISSUER,
      allowedAud: process.env.AUDIENCE,
      cache: true,
    },
  })
  app.addHook('onRequest', (request) => request.jwtVerify())
}
app.get('/hello', async () => 'hello')
await app.listen({ host: '127.0.0.1', port: 0 })
console.log(app.server.address().port)
process.stdin.on('end', () => process.exit()).resume()
