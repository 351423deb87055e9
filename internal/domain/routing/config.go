package routing

import (
	"encoding/json"
	"slices"

	"github.com/gantry-ai/gantry/internal/domain/limits"
)

// KeyStrategy says how a platform's credentials share its requests.
type KeyStrategy string

// The strategies; "" means KeysByWeight.
const (
	// KeysByWeight gives each credential its share by weight. A weight of 0 is a reserve for when no other can be used.
	KeysByWeight KeyStrategy = "weight"
	// KeysAtRandom gives each the same share.
	KeysAtRandom KeyStrategy = "random"
	// KeysInTurn takes one after the other.
	KeysInTurn KeyStrategy = "polling"
	// KeysByConversation keeps a conversation at one credential, as far as callers name it, because upstreams cache per
	// account. When a credential leaves rotation only its own conversations move.
	KeysByConversation KeyStrategy = "sticky"
)

// KeyConfig is what a platform's config says about its credentials, beside what its adapter knows.
type KeyConfig struct {
	Strategy KeyStrategy
	// Limit is what each credential may take on its own; nil: no limit.
	Limit json.RawMessage
}

const (
	strategyKey = "credentialStrategy"
	keyLimitKey = "credentialRateLimitPolicy"
)

var keyConfigShape = map[string]shape{
	strategyKey: oneOf(string(KeysByWeight), string(KeysAtRandom), string(KeysInTurn), string(KeysByConversation)),
	keyLimitKey: rateLimitShape,
}

// ParseKeyConfig takes what is routing's own out of a platform's config; rest is what its adapter is to know.
// Codes: invalid_parameter with the path below path.
func ParseKeyConfig(path string, config json.RawMessage) (own KeyConfig, rest json.RawMessage, err error) {
	all := members(config)
	if all[strategyKey] == nil && all[keyLimitKey] == nil {
		return KeyConfig{}, config, nil
	}
	for _, key := range []string{strategyKey, keyLimitKey} {
		if err := check(path+"."+key, all[key], keyConfigShape[key]); err != nil {
			return KeyConfig{}, nil, err
		}
	}
	_ = json.Unmarshal(all[strategyKey], &own.Strategy) // one of the words
	own.Limit = slices.Clone(all[keyLimitKey])
	delete(all, strategyKey)
	delete(all, keyLimitKey)
	rest, err = json.Marshal(all)
	return own, rest, err
}

// Rate compiles the limit of each credential.
func (c *KeyConfig) Rate() (*limits.RateLimit, error) {
	return limits.ParseRateLimit("config."+keyLimitKey, c.Limit)
}

// tryAdapter holds settings against the adapter, which is told what is its own.
func (s *Service) tryAdapter(p *Platform, credential map[string]string) error {
	_, rest, err := ParseKeyConfig("config", p.Config)
	if err != nil {
		return err
	}
	return s.Adapters.Check(p.Provider, p.BaseURL, p.AuthType, credential, rest)
}
