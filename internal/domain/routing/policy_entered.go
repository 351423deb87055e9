package routing

import (
	"cmp"
	"encoding/json"
	"strings"
)

const (
	active   = "active"
	inactive = "disabled"
	// Bounds in bytes of what people enter.
	maxDescription = 4 << 10
	maxObject      = 64 << 10
)

// PolicyPatch is a policy set, or the runner policy, as people enter it. Fields that are nil keep their default, or stay
// as they are when something is changed; a policy that is null or {} says nothing.
type PolicyPatch struct {
	Key         *string
	Name        *string
	Description *string
	Status      *string
	Metadata    json.RawMessage
}

// check holds the texts against their bounds; key and name are what there is so far.
func (p *PolicyPatch) check(key, name string) error {
	key, name = or(p.Key, key), or(p.Name, name)
	switch {
	case !isKey(key):
		return invalid("policyKey", "A key is needed, of letters, digits and . _ - : /")
	case strings.TrimSpace(name) == "":
		return invalid("name", "A name is needed.")
	case len(or(p.Description, "")) > maxDescription:
		return invalid("description", "The description is too long.")
	case p.Status != nil && *p.Status != active && *p.Status != inactive:
		return invalid("status", "The status is active or disabled.")
	case len(p.Metadata) > maxObject:
		return invalid("metadata", "The object is too large.")
	}
	return firstError(checkText("name", name, maxName), check("metadata", p.Metadata, anyObject))
}

func (p *PolicyPatch) texts(key, name, description, status string) (k, n, d, s string) {
	return or(p.Key, key), or(p.Name, name), or(p.Description, description), or(p.Status, status)
}

// entered is what takes the place of an open object: nothing keeps it, null empties it.
func entered(v, old json.RawMessage) json.RawMessage {
	switch string(v) {
	case "":
		return orEmpty(old)
	case "null":
		return orEmpty(nil)
	}
	return v
}

func isKey(text string) bool {
	return text != "" && len(text) <= maxName && !strings.ContainsFunc(text, func(r rune) bool {
		return !strings.ContainsRune("._-:/", r) && (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'z')
	})
}

// policyView is how a set, or the runner policy, stands in the audit log.
type policyView struct {
	Key         string                     `json:"policyKey"`
	Name        string                     `json:"name"`
	Description string                     `json:"description,omitempty"`
	Default     bool                       `json:"isDefault,omitempty"`
	Status      string                     `json:"status"`
	Metadata    json.RawMessage            `json:"metadata,omitempty"`
	Policies    map[string]json.RawMessage `json:"policies"`
}

func viewPolicySet(v *PolicySet) policyView {
	return policyView{v.Key, v.Name, v.Description, v.Default, v.Status, v.Metadata, said(v.level())}
}

func viewRunner(v *RunnerPolicy) policyView {
	return policyView{
		Key: v.Key, Name: v.Name, Description: v.Description, Status: cmp.Or(v.Status, active), Metadata: v.Metadata,
		Policies: said(level{
			"failoverPolicy": v.FailoverPolicy, "hardStopPolicy": v.HardStopPolicy, "priorityDemotePolicy": v.PriorityDemotePolicy,
		}),
	}
}

// said leaves out the policies that say nothing.
func said(l level) map[string]json.RawMessage {
	out := map[string]json.RawMessage{}
	for name, policy := range l {
		if !saysNothing(policy) {
			out[name] = policy
		}
	}
	return out
}
