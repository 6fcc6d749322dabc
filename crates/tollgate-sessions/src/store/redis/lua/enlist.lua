-- Notes a session for the list of its subject. KEYS: list. ARGV: time, session, how long it is listed.
local now = clock()
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', whole(now))
redis.call('ZADD', KEYS[1], whole(now + tonumber(ARGV[3])), ARGV[2])
if not BY_HAND and redis.call('PTTL', KEYS[1]) < tonumber(ARGV[3]) then
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
return 1
