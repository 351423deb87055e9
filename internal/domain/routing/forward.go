package routing

import (
	"encoding/json"
	"regexp"
	"strconv"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// ModelRoute says where requests for a model go instead: by rules before anything is tried, and by a fallback when every
// upstream of the model has failed. There is at most one for each alias of a tenant.
type ModelRoute struct {
	ID       id.ID
	Number   int64
	TenantID id.ID
	Alias    string
	// Forward is {rules: […]}, see ReadForward; Fallback is {model, platformId}, see ReadFallback.
	Forward   json.RawMessage
	Fallback  json.RawMessage
	CreatedAt time.Time
	UpdatedAt time.Time
}

// The types of rules.
const (
	RuleAll      = "all"      // every request
	RuleKeyword  = "keyword"  // the text of the messages holds words
	RuleRegex    = "regex"    // the text of the messages matches a pattern
	RuleLength   = "length"   // the text is so long
	RuleDecision = "decision" // a model decides
)

// ForwardRule sends requests that it matches to another model. The first rule that matches decides; one whose target is the
// model itself lets the request stay.
type ForwardRule struct {
	Type   string `json:"type"`
	Target string `json:"target"` // an alias; of a decision, Decision.Targets stand for it
	// Keywords are looked for in any letter case; Match is "any" of them, the default, or "all".
	Keywords []string `json:"keywords"`
	Match    string   `json:"match"`
	Pattern  string   `json:"pattern"` // RE2
	// The bounds of a length rule, inclusive, 0: none. Characters are those of the messages' text; tokens are estimated of
	// the whole request.
	MinCharacters int64     `json:"minCharacters"`
	MaxCharacters int64     `json:"maxCharacters"`
	MinTokens     int64     `json:"minTokens"`
	MaxTokens     int64     `json:"maxTokens"`
	Decision      *Decision `json:"decision"`
	// Groups and Tenants, by key or id, are whom the rule is for; empty: everybody.
	Groups  []string `json:"groups"`
	Tenants []string `json:"tenants"`
}

// Decision asks a model for one word, which names the target. If the answer is late or none of the names, the rule does not
// match.
type Decision struct {
	Model  string `json:"model"`  // the alias of the model that decides
	Prompt string `json:"prompt"` // what it is told about the choice
	// Targets are aliases by the word that chooses them.
	Targets map[string]string `json:"targets"`
	// TimeoutMs bounds the answer; 0 means DefaultDecisionTimeout.
	TimeoutMs int64 `json:"timeoutMs"`
}

// DefaultDecisionTimeout is how long a model may take to decide where the rule does not say.
const DefaultDecisionTimeout = 3 * time.Second

// Fallback is what is tried when every upstream of a model has failed in a way that another may not.
type Fallback struct {
	// Model is an alias; "" means the same model.
	Model string `json:"model"`
	// PlatformID restricts the fallback to one platform; zero: all that offer the model.
	PlatformID id.ID `json:"platformId"`
}

// IsZero reports whether there is no fallback.
func (f *Fallback) IsZero() bool { return f.Model == "" && f.PlatformID.IsZero() }

const (
	maxRules           = 100
	maxKeywords        = 1000
	maxPattern         = 2000
	maxPrompt          = 8000
	maxTargets         = 50
	maxDecisionTimeout = 30_000
)

var forwardShape = object(map[string]shape{"rules": list(object(map[string]shape{
	"type": oneOf(RuleAll, RuleKeyword, RuleRegex, RuleLength, RuleDecision), "target": text, "keywords": list(text),
	"match": oneOf("any", "all"), "pattern": text, "minCharacters": whole(0), "maxCharacters": whole(0), "minTokens": whole(0),
	"maxTokens": whole(0), "groups": list(text), "tenants": list(text),
	"decision": object(map[string]shape{"model": text, "prompt": text, "targets": textMap(maxTargets), "timeoutMs": whole(1)}),
}))})

// ReadForward reads {rules: […]}; nothing, null and {} are no rules. Code: invalid_parameter, with the path below forward.
func ReadForward(raw json.RawMessage) ([]ForwardRule, error) {
	if err := check("forward", raw, forwardShape); err != nil {
		return nil, err
	}
	var f struct {
		Rules []ForwardRule `json:"rules"`
	}
	if len(raw) > 0 && json.Unmarshal(raw, &f) != nil {
		return nil, fault.ErrBadJSON.At("forward")
	}
	if len(f.Rules) > maxRules {
		return nil, invalid("forward.rules", "There are too many rules.")
	}
	for i := range f.Rules {
		if err := f.Rules[i].check(indexed("forward.rules", i)); err != nil {
			return nil, err
		}
	}
	return f.Rules, nil
}

func (r *ForwardRule) check(path string) error {
	if r.Type != RuleDecision && r.Target == "" {
		return invalid(path+".target", "The rule is to name a model.")
	}
	switch r.Type {
	case RuleAll:
	case RuleKeyword:
		return r.checkKeywords(path + ".keywords")
	case RuleRegex:
		if _, err := regexp.Compile(r.Pattern); err != nil || r.Pattern == "" || len(r.Pattern) > maxPattern {
			return invalid(path+".pattern", "This is to be a regular expression in the notation RE2.")
		}
	case RuleLength:
		return r.checkLength(path)
	case RuleDecision:
		return r.Decision.check(path + ".decision")
	default:
		return invalid(path+".type", "The rule is to have a type.")
	}
	return nil
}

func (r *ForwardRule) checkKeywords(path string) error {
	if len(r.Keywords) == 0 || len(r.Keywords) > maxKeywords {
		return invalid(path, "There are to be 1 to "+strconv.Itoa(maxKeywords)+" keywords.")
	}
	for i, word := range r.Keywords {
		if word == "" || checkText("", word, maxAlias) != nil {
			return invalid(indexed(path, i), "A keyword has 1 to 128 characters.")
		}
	}
	return nil
}

func (r *ForwardRule) checkLength(path string) error {
	switch {
	case r.MinCharacters|r.MaxCharacters|r.MinTokens|r.MaxTokens == 0:
		return invalid(path, "A rule about length is to have a bound.")
	case r.MaxCharacters > 0 && r.MaxCharacters < r.MinCharacters:
		return invalid(path+".maxCharacters", "This is below the least.")
	case r.MaxTokens > 0 && r.MaxTokens < r.MinTokens:
		return invalid(path+".maxTokens", "This is below the least.")
	}
	return nil
}

func (d *Decision) check(path string) error {
	switch {
	case d == nil:
		return invalid(path, "The rule is to say who decides about what.")
	case d.Model == "":
		return invalid(path+".model", "The rule is to name the model that decides.")
	case d.Prompt == "" || len(d.Prompt) > maxPrompt:
		return invalid(path+".prompt", "The prompt is missing or too long.")
	case len(d.Targets) == 0:
		return invalid(path+".targets", "There is to be at least one choice.")
	case d.TimeoutMs > maxDecisionTimeout:
		return invalid(path+".timeoutMs", "A decision may take 30 seconds at most.")
	}
	for word, target := range d.Targets {
		if !isWord(word) || target == "" {
			return invalid(path+".targets."+word, "A word of letters, digits, _ and - is to lead to a model.")
		}
	}
	return nil
}

var word = regexp.MustCompile(`^[\p{L}\p{N}_-]{1,64}$`)

func isWord(s string) bool { return word.MatchString(s) }

// targets are the models that a rule may send a request to, by the path at which they were entered.
func (r *ForwardRule) targets(path string) map[string]string {
	if r.Type != RuleDecision {
		return map[string]string{path + ".target": r.Target}
	}
	out := map[string]string{}
	for word, target := range r.Decision.Targets {
		out[path+".decision.targets."+word] = target
	}
	return out
}

var fallbackShape = object(map[string]shape{"model": text, "platformId": text})

// ReadFallback reads {model, platformId}. Code: invalid_parameter, with the path below fallback.
func ReadFallback(raw json.RawMessage) (Fallback, error) {
	var f Fallback
	if err := check("fallback", raw, fallbackShape); err != nil {
		return f, err
	}
	var in struct {
		Model      string `json:"model"`
		PlatformID string `json:"platformId"`
	}
	if len(raw) > 0 && json.Unmarshal(raw, &in) != nil {
		return f, fault.ErrBadJSON.At("fallback")
	}
	f.Model = in.Model
	if in.PlatformID == "" {
		return f, nil
	}
	var err error
	if f.PlatformID, err = id.Parse(in.PlatformID); err != nil {
		return f, invalid("fallback.platformId", "There is no such platform.")
	}
	return f, nil
}
