-- What wrk sends: the lines of a file, METHOD <tab> path <tab> body, one after the other. Arguments: token, file.
local requests, at = {}, 0

function init(arguments)
  for line in io.lines(arguments[2]) do
    local method, path, body = line:match("^(%u+)\t([^\t]*)\t(.*)$")
    local headers = { Authorization = "Bearer " .. arguments[1] }
    if body ~= "" then headers["Content-Type"] = "application/json" end
    requests[#requests + 1] = wrk.format(method, path, headers, body ~= "" and body or nil)
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency)
  local e = summary.errors
  print(string.format('{"seconds":%.4f,"requests":%d,"failed":%d,"p50_ms":%.3f,"p99_ms":%.3f}',
    summary.duration / 1e6, summary.requests, e.status + e.connect + e.read + e.write + e.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
