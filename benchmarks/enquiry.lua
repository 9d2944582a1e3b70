-- Send enquiries. Arguments: the number of the round; optionally a number of leads that are stored before, whose people
-- enquire again. Without it, each enquiry is that of a new person.
local round, known, number = "", nil, 0

wrk.headers["Content-Type"] = "application/json"

function init(args)
  round, known = args[1], tonumber(args[2])
end

function request()
  number = number + 1
  local person = known and number % known or number
  local address = known and "John.Doe." .. person or string.format("Jane.Doe.%s.%d", round, person)
  return wrk.format("POST", nil, nil, string.format(
    '{"name":"Jane Doe %d","email":"%s@company%d.example.com","phone":"+4930%07d","source":"website",' ..
    '"message":"Do you deliver on Saturdays? %s.%d","attributes":{"company":"Company %d","employees":%d}}',
    person, address, person % 500, person, round, number, person % 500, person % 1000))
end
