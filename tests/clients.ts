// `make clients` compiles this file against the types that openapi-typescript generates from docs/openapi.json.

import type { components, paths } from "../build/clients/api";

type Schemas = components["schemas"];
type Create = paths["/leads"]["post"];
type Conflict = Create["responses"][409]["content"]["application/problem+json"];

export const lead: Create["requestBody"]["content"]["application/json"] = {
  name: "John Doe",
  email: "john@example.com",
  phone: null,
};
export const change: Schemas["LeadPatch"] = { status: "contacted", attributes: { company: "ACME", fax: null } };
export const followUp: Schemas["NewFollowUp"] = { due_at: "2030-01-15T09:30:00Z", channel: "log" };

export function existing(problem: Conflict): string | undefined {
  return "existing_lead_id" in problem ? problem.existing_lead_id : undefined;
}

export function next(page: Schemas["PageView_LeadView_"]): string | null {
  return page.next_cursor;
}
