-- Decides as `decide` does, and writes what it decided. KEYS: session. ARGV: time, generation, secret hash, mode
-- (`preview` or `commit`), grace period, recovery period, whether a newer token is accepted, idle lifetime, how long a
-- revoked session is kept, fingerprint. Durations are in milliseconds.
local now = clock()
local row = read(KEYS[1], now)
if not row[1] or row[1] ~= ARGV[3] then return unwritten(KEYS[1], 'unknown', {}) end
local presented, generation, before = tonumber(ARGV[2]), tonumber(row[3]), tonumber(row[4])
local rotated, absolute, idle, state = tonumber(row[5]), tonumber(row[7]), tonumber(row[8]), tonumber(row[9])
if not (generation and rotated and absolute and idle and state) then return { 'corrupt', {} } end

if state ~= 0 then return unwritten(KEYS[1], 'revoked', row) end
if now >= absolute then return unwritten(KEYS[1], 'absolute', row) end
if now >= idle then return unwritten(KEYS[1], 'idle', row) end
local since = math.max(now - rotated, 0)
local current, previous = presented == generation, presented == before
local replays = ARGV[4] == 'preview' or since < tonumber(ARGV[5])
if (current or previous) and replays then return unwritten(KEYS[1], 'replayed', row) end

local kind
if current then
  kind = 'rotated'
elseif presented > generation and ARGV[7] == '1' then
  kind = 'store_behind'
elseif previous and since < tonumber(ARGV[6]) then
  kind = 'recovered'
else
  redis.call('HSET', KEYS[1], 'st', 3, 'ea', whole(now))
  row = redis.call('HMGET', KEYS[1], unpack(FIELDS))
  expire_at(KEYS[1], math.min(now + tonumber(ARGV[9]), absolute))
  return { 'reuse', row }
end

-- A session without a next generation has expired.
local successor = math.max(generation, presented) + 1
if successor > 4294967295 then return unwritten(KEYS[1], 'absolute', row) end
idle = math.min(now + tonumber(ARGV[8]), absolute)
redis.call('HSET', KEYS[1], 'g', whole(successor), 'gg', whole(presented), 'rt', whole(now), 'ix', whole(idle))
if ARGV[10] ~= '' then
  redis.call('HSET', KEYS[1], 'fp', ARGV[10])
else
  redis.call('HDEL', KEYS[1], 'fp')
end
row = redis.call('HMGET', KEYS[1], unpack(FIELDS))
-- An idle lifetime of zero expires at once.
expire_at(KEYS[1], idle)
return { kind, row }
