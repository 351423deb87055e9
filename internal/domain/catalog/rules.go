package catalog

import "encoding/json"

// Rules check the documents that the catalogue keeps for domains which it does not know. Nothing, null and {} are fine.
// Faults name the path within the document.
type Rules interface {
	CheckBilling(raw json.RawMessage) error
	CheckRateLimit(raw json.RawMessage) error
	CheckRuntimePolicy(raw json.RawMessage) error
	CheckParams(schema json.RawMessage) error
}
