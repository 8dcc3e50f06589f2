-- wrk: sends the requests of a deck (benchmarks/requests.py) one after the other, and tells what came back as one line of JSON.

local requests, last = {}, 0

function init(args)
  local file = assert(io.open(args[1], "rb"))
  for line in function() return file:read("*l") end do
    requests[#requests + 1] = file:read(tonumber(line))
  end
  file:close()
  math.randomseed(os.time())
  last = math.random(#requests) -- each run begins elsewhere
end

function request()
  last = last % #requests + 1
  return requests[last]
end

function done(summary, latency, _)
  local wrong = summary.errors
  print(string.format(
    '{"requests":%d,"seconds":%f,"errors":%d,"p50":%f,"p99":%f}',
    summary.requests,
    summary.duration / 1e6,
    wrong.connect + wrong.read + wrong.write + wrong.status + wrong.timeout,
    latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3
  ))
end
