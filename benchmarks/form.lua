-- Submit a form. Arguments: as those of enquiry.lua.
local round, known, number = "", nil, 0

wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
wrk.headers["Accept"] = "application/json"

function init(args)
  round, known = args[1], tonumber(args[2])
end

function request()
  number = number + 1
  local person = known and number % known or number
  local address = known and "John.Doe." .. person or string.format("Jane.Doe.%s.%d", round, person)
  return wrk.format("POST", nil, nil, string.format(
    "your-name=Jane+Doe+%d&your-email=%s%%40company%d.example.com&telefon=%%2B4930%07d" ..
    "&message=Do+you+deliver+on+Saturdays%%3F+%s.%d&company=Company+%d&employees=%d",
    person, address, person % 500, person, round, number, person % 500, person % 1000))
end
