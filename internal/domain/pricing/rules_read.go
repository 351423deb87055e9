package pricing

import (
	"encoding/json"
	"fmt"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
)

// givenByUs are members that Gantry shows with a rule. An editor that sends back what it was shown need not take them out.
var givenByUs = []string{"id", "ruleSetId", "scopeType", "scopeId", "basePriceText", "createdAt", "updatedAt"}

// ReadRules reads rules as a request has them. A member that rules do not have is refused: left out, it would make a price
// that nobody meant. Code: invalid_parameter with the path.
func ReadRules(raw []json.RawMessage) ([]RuleInput, error) {
	if len(raw) > maxRules {
		return nil, ErrLimit.Saying("There are too many rules.").At("rules")
	}
	out := make([]RuleInput, len(raw))
	for i := range raw {
		if err := strictAs(fault.ErrInvalid, entered(raw[i]), &out[i], fmt.Sprintf("rules[%d]", i)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// entered is a rule without what Gantry gave it. What is no object stays as it is.
func entered(raw json.RawMessage) json.RawMessage {
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil {
		return raw
	}
	for _, name := range givenByUs {
		delete(members, name)
	}
	out, err := json.Marshal(members)
	if err != nil {
		return raw
	}
	return out
}
