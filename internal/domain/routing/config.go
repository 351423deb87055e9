package routing

import "encoding/json"

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

const strategyKey = "credentialStrategy"

var strategyShape = oneOf(string(KeysByWeight), string(KeysAtRandom), string(KeysInTurn), string(KeysByConversation))

// ParseKeyStrategy takes credentialStrategy, which is routing's own, out of a platform's config; rest is what its adapter
// is to know. Codes: invalid_parameter with the path below path.
func ParseKeyStrategy(path string, config json.RawMessage) (s KeyStrategy, rest json.RawMessage, err error) {
	all := members(config)
	if all[strategyKey] == nil {
		return KeysByWeight, config, nil
	}
	if err := check(path+"."+strategyKey, all[strategyKey], strategyShape); err != nil {
		return "", nil, err
	}
	_ = json.Unmarshal(all[strategyKey], &s) // one of the words
	delete(all, strategyKey)
	rest, err = json.Marshal(all)
	return s, rest, err
}

// tryAdapter holds settings against the adapter, which is told what is its own.
func (s *Service) tryAdapter(p *Platform, credential map[string]string) error {
	_, rest, err := ParseKeyStrategy("config", p.Config)
	if err != nil {
		return err
	}
	return s.Adapters.Check(p.Provider, p.BaseURL, p.AuthType, credential, rest)
}
