package identity

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
)

// PolicyChecks read policies whose meaning is elsewhere. Each refuses what it does not know, with a path that begins with
// the given one; empty, null and {} are no policy. All are required.
type PolicyChecks struct {
	Discount  PolicyCheck // billingDiscountPolicy
	Recharge  PolicyCheck // rechargeDiscountPolicy
	RateLimit PolicyCheck // rateLimitPolicy
	Quota     PolicyCheck // quotaPolicy
	Overdraft PolicyCheck // overdraft, by currency
}

// PolicyCheck reads one kind of policy that stands at path.
type PolicyCheck func(path string, raw json.RawMessage) error

const (
	maxPolicy   = 256 << 10
	maxMetadata = 16 << 10
)

// replacePolicy puts a policy that was given in the place of another; nil leaves it, null empties it.
// Codes: those of the check.
func replacePolicy(to *json.RawMessage, path string, given json.RawMessage, check PolicyCheck) error {
	if given == nil {
		return nil
	}
	if len(given) > maxPolicy {
		return fault.ErrInvalid.Saying("The policy is too long.").At(path)
	}
	if err := check(path, given); err != nil {
		return err
	}
	*to = orEmpty(given)
	return nil
}

// replaceObject is replacePolicy for an object that means nothing to Gantry.
func replaceObject(to *json.RawMessage, path string, given json.RawMessage) error {
	return replacePolicy(to, path, given, checkObject)
}

func checkObject(path string, raw json.RawMessage) error {
	if !noPolicy(raw) && (len(raw) > maxMetadata || !json.Valid(raw) || bytes.TrimSpace(raw)[0] != '{') {
		return fault.ErrInvalid.Saying("This is to be a JSON object of at most 16 KiB.").At(path)
	}
	return nil
}

func noPolicy(raw json.RawMessage) bool {
	text := bytes.TrimSpace(raw)
	return len(text) == 0 || string(text) == "null"
}

// members reads the members of an object that stands at path; nothing and null have none. Code: invalid_parameter.
func members(path string, raw json.RawMessage) (map[string]json.RawMessage, error) {
	out := map[string]json.RawMessage{}
	if noPolicy(raw) {
		return out, nil
	}
	if err := json.Unmarshal(raw, &out); err != nil {
		return nil, fault.ErrInvalid.Saying("This is to be an object.").At(path)
	}
	return out, nil
}

// refuseOthers refuses a member that is not known. Code: invalid_parameter with its path.
func refuseOthers(path string, given map[string]json.RawMessage, known ...string) error {
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !slices.Contains(known, name) {
			return fault.ErrInvalid.Saying("There is no such key.").At(path + "." + name)
		}
	}
	return nil
}

// put writes the members of an object; those without a value are left out.
func put(object map[string]json.RawMessage) json.RawMessage {
	maps.DeleteFunc(object, func(_ string, v json.RawMessage) bool { return noPolicy(v) || string(v) == "{}" })
	text, err := json.Marshal(object)
	if err != nil { // its members were read from JSON
		return emptyObject
	}
	return text
}
