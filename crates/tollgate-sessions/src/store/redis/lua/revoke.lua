-- Revokes a session that was not revoked before, or only checks whether it would. KEYS: session. ARGV: time,
-- reason, how long the revoked session is kept, mode (`check` or `revoke`), then the owner if only their session
-- may be revoked.
local now = clock()
local row = read(KEYS[1], now)
if not row[1] or (ARGV[5] and ARGV[5] ~= row[2]) then return unwritten(KEYS[1], 'unchanged', {}) end
-- 254: the session was revoked with its subject, and can still be revoked by itself.
if row[9] ~= '0' and row[9] ~= '254' then return { 'revoked', row } end
if ARGV[4] == 'check' then return { 'live', row } end
redis.call('HSET', KEYS[1], 'st', ARGV[2], 'ea', whole(now), 'ev', 1)
expire_at(KEYS[1], math.min(now + tonumber(ARGV[3]), tonumber(row[7])))
return { 'revoked-now', row }
