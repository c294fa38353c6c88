-- What wrk sends. Its arguments, after `--`: what tells this run's keys from all others', which keys, of how many, the path, and
-- how long the body is.

local counter = 0
local run, keys, count, path, headers, body

function init(args)
  run, keys, count, path = args[1], args[2], tonumber(args[3]), args[4]
  headers = { ["Authorization"] = "Bearer alice", ["Content-Type"] = "application/json" }
  local length = tonumber(args[5])
  body = '{"amount":1099,"pad":"' .. string.rep("x", math.max(0, length - 24)) .. '"}'
end

local key = {
  fresh = function() return string.format("%s-%08d", run, counter) end,
  -- Each as often as `count` says, one after the other.
  ["fresh in groups"] = function() return string.format("%s-%08d", run, math.floor(counter / count)) end,
  -- The same ones again and again.
  known = function() return string.format("%s-%08d", run, counter % count) end,
}

function request()
  if keys ~= "none" then
    headers["Idempotency-Key"] = '"' .. key[keys]() .. '"'
  end
  counter = counter + 1
  return wrk.format("POST", path, headers, body)
end

function done(summary, latency, requests)
  io.write(string.format(
    "\n{\"requests\":%d,\"microseconds\":%d,\"p50\":%d,\"p99\":%d,\"refused\":%d,\"failed\":%d}\n",
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
