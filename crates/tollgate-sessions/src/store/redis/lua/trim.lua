-- KEYS: stream. ARGV: time, how many at most.
return trim(KEYS[1], clock(), tonumber(ARGV[2]))
