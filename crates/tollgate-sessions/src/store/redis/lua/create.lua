-- Adds a session unless there is one with the same ID. KEYS: session. ARGV: time, secret hash, subject, epoch, idle
-- lifetime, absolute lifetime, fingerprint or nothing, then the application's data if there are any.
local now = clock()
local row = read(KEYS[1], now)
if row[1] then
  if row[1] == ARGV[2] and row[2] == ARGV[3] then return { 'same', row } end
  return { 'other', {} }
end
local absolute = now + tonumber(ARGV[6])
local idle = math.min(now + tonumber(ARGV[5]), absolute)
redis.call('HSET', KEYS[1], 'h', ARGV[2], 'sub', ARGV[3], 'g', 0, 'rt', whole(now), 'ep', ARGV[4],
  'ax', whole(absolute), 'ix', whole(idle), 'st', 0, 'at', whole(now))
if ARGV[7] ~= '' then redis.call('HSET', KEYS[1], 'fp', ARGV[7]) end
if ARGV[8] then redis.call('HSET', KEYS[1], 'm', ARGV[8]) end
row = redis.call('HMGET', KEYS[1], unpack(FIELDS))
expire_at(KEYS[1], idle)
return { 'created', row }
