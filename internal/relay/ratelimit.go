package relay

import (
	"encoding/json"
	"slices"

	"github.com/gantry-ai/gantry/internal/domain/catalog"
	"github.com/gantry-ai/gantry/internal/domain/limits"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// ratePolicySets are the rateLimitPolicies of the runtime policy sets that a target's model, its platform and its base
// model name, and of the default set. Empty ones say nothing.
type ratePolicySets struct{ model, platform, base, standard json.RawMessage }

// limit compiles what limits a target. The platform and each of its credentials have windows of their own, which all
// their models share; the model has windows by the first policy that says anything: the override's, the model's own, its
// set's, the base model's, the default set's. Where the platform has a policy, those after it do not apply. Error: the
// policy's fault. Source: DESIGN section 6, precedence.
func (t *Target) limit(base *catalog.BaseModel, sets ratePolicySets) error {
	platform, credential, err := limits.ParsePlatformRateLimit("rateLimitPolicy", t.Platform.RateLimitPolicy)
	if err != nil {
		return err
	}
	if platform == nil {
		if platform, credential, err = platformSet(sets.platform, credential); err != nil {
			return err
		}
	}
	texts := [][]byte{member(t.Model.RuntimePolicyOverride, "rateLimitPolicy"), t.Model.RateLimitPolicy, sets.model}
	if platform == nil {
		if base != nil {
			texts = append(texts, base.DefaultRateLimitPolicy)
		}
		texts = append(texts, sets.base, sets.standard)
	}
	model, err := rateLimitOf(texts...)
	if err != nil {
		return err
	}
	t.limitBy(limits.Scope{Kind: limits.KindPlatform, ID: t.Platform.ID}, platform)
	t.limitBy(limits.Scope{Kind: limits.KindModel, ID: t.Model.ID}, model)
	t.limitBy(limits.Scope{Kind: limits.KindCredential}, credential)
	return nil
}

// platformSet reads a set as a platform's policy; what limits credentials comes from it where the platform says nothing.
func platformSet(set []byte, own *limits.RateLimit) (platform, credential *limits.RateLimit, err error) {
	platform, credential, err = limits.ParsePlatformRateLimit("rateLimitPolicy", set)
	if own != nil {
		credential = own
	}
	return platform, credential, err
}

// rateLimitOf compiles the first policy that says anything; nil when none does.
func rateLimitOf(texts ...[]byte) (*limits.RateLimit, error) {
	for _, text := range texts {
		rate, _, err := limits.ParsePlatformRateLimit("rateLimitPolicy", text)
		if rate != nil || err != nil {
			return rate, err
		}
	}
	return nil, nil //nolint:nilnil // nothing limits it
}

func (t *Target) limitBy(s limits.Scope, rate *limits.RateLimit) {
	if rate != nil {
		t.Limits = append(t.Limits, limits.Subject{Scope: s, Policy: limits.Policy{Rate: rate}})
	}
}

// limitsWith are the limits of a target that uses a credential; without one there is nobody whose windows they were.
func limitsWith(all []limits.Subject, credential id.ID) []limits.Subject {
	at := slices.IndexFunc(all, func(s limits.Subject) bool { return s.Kind == limits.KindCredential })
	if at < 0 {
		return all
	}
	own := slices.Clone(all)
	if credential.IsZero() {
		return slices.Delete(own, at, at+1)
	}
	own[at].ID = credential
	return own
}

// member is one member of a JSON object, nil when there is none.
func member(object []byte, key string) []byte {
	var members map[string]json.RawMessage
	_ = json.Unmarshal(object, &members) // what is no object has no members
	return members[key]
}
