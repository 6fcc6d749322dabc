// Express: `node express.mjs open|protected`. Reads its settings from the environment and prints its port.
import express from 'express'
import { expressjwt } from 'express-jwt'

const app = express()
if (process.argv[2] === 'protected') {
  app.use(expressjwt({
    secret: Buffer.from(process.env.SECRET, 'hex'),
    algorithms: ['HS256'],
    issuer: process.env.ISSUER,
    audience: process.env.AUDIENCE,
  }))
}
app.get('/hello', (request, response) => response.type('text/plain').send('hello'))
app.use((error, request, response, next) => response.status(error.status ?? 500).end())
const server = app.listen(0, '127.0.0.1', () => console.log(server.address().port))
process.stdin.on('end', () => process.exit()).resume()
