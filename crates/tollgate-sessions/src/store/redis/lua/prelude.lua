-- The first part of every script. ARGV[1] is the time of a manual clock in milliseconds; empty means the server's
-- clock.
local FIELDS = { 'h', 'sub', 'g', 'gg', 'rt', 'ep', 'ax', 'ix', 'st', 'ea', 'at', 'fp', 'm', 'ev' }
local MANUAL_CLOCK = ARGV[1] ~= ''

local function clock()
  if MANUAL_CLOCK then return tonumber(ARGV[1]) end
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Formats a whole number. `tostring` would round it.
local function whole(number)
  return string.format('%.0f', number)
end

-- Reads a session. With a manual clock this removes an expired session, which the server does by its own clock
-- otherwise.
local function read(key, now)
  if MANUAL_CLOCK then
    local expiry = redis.call('HGET', key, 'xp')
    if expiry and tonumber(expiry) <= now then redis.call('DEL', key) end
  end
  return redis.call('HMGET', key, unpack(FIELDS))
end

-- Returns an answer that needs no write. It is a decision all the same, so it includes a write that changes nothing: a
-- server that has become a replica rejects that.
local function unwritten(key, outcome, row)
  redis.call('HDEL', key, '')
  return { outcome, row }
end

-- Makes a session expire at that time.
local function expire_at(key, time)
  if MANUAL_CLOCK then
    redis.call('HSET', key, 'xp', whole(time))
  else
    redis.call('PEXPIREAT', key, whole(time))
  end
end

-- Removes the oldest announcements while no token needs them, and returns how many.
local function trim(key, now, most)
  local removed = 0
  for _, entry in ipairs(redis.call('XRANGE', key, '-', '+', 'COUNT', most)) do
    local fields, needed = entry[2], false
    for at = 1, #fields, 2 do
      if fields[at] == 'until' then needed = tonumber(fields[at + 1]) > now end
    end
    if needed then break end
    redis.call('XDEL', key, entry[1])
    removed = removed + 1
  end
  return removed
end

