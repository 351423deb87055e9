-- Settles one request. ARGV: request, then span, tick, difference for each key. What has left its window stays gone.
for i, key in ipairs(KEYS) do
  local at = 1 + (i - 1) * 3
  if ARGV[at + 1] == '0' then
    redis.call('ZREM', key, ARGV[1])
  elseif redis.call('HEXISTS', key, ARGV[at + 2]) == 1 then
    redis.call('HINCRBY', key, ARGV[at + 2], ARGV[at + 3])
  end
end
return 0
