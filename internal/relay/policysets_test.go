package relay

import (
	"encoding/json"
	"testing"

	"github.com/gantry-ai/gantry/internal/domain/catalog"
	"github.com/gantry-ai/gantry/internal/domain/limits"
	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// TestPolicySetsHaveTheirPlace between what a model, a platform and a base model say themselves.
func TestPolicySetsHaveTheirPlace(t *testing.T) {
	t.Parallel()
	all := ratePolicySets{
		model: json.RawMessage(`{"rpm":5}`), platform: json.RawMessage(`{"rpm":6,"credential":{"rpm":7}}`),
		base: json.RawMessage(`{"rpm":8}`), standard: json.RawMessage(`{"rpm":9}`),
	}
	without := func(change func(*ratePolicySets)) ratePolicySets {
		sets := all
		change(&sets)
		return sets
	}
	for name, c := range map[string]struct {
		own, platform, base string
		sets                ratePolicySets
		want                map[limits.Kind]int64
	}{
		"the model's set": {"", "", "", all, map[limits.Kind]int64{limits.KindModel: 5, limits.KindPlatform: 6, limits.KindCredential: 7}},
		"own before the set": {
			`{"rpm":1}`, `{"rpm":2}`, "", all, map[limits.Kind]int64{limits.KindModel: 1, limits.KindPlatform: 2},
		},
		"own credential limit": {
			"", `{"credential":{"rpm":3}}`, "", all, map[limits.Kind]int64{limits.KindModel: 5, limits.KindPlatform: 6, limits.KindCredential: 3},
		},
		"base before its set": {
			"", "", `{"rpm":4}`, without(func(s *ratePolicySets) { s.model, s.platform = nil, nil }), map[limits.Kind]int64{limits.KindModel: 4},
		},
		"the base model's set": {
			"", "", "{}", without(func(s *ratePolicySets) { s.model, s.platform = nil, nil }), map[limits.Kind]int64{limits.KindModel: 8},
		},
		"the default set": {"", "", "", ratePolicySets{standard: all.standard}, map[limits.Kind]int64{limits.KindModel: 9}},
		"a platform's set ends the search": {
			"", "", `{"rpm":4}`, without(func(s *ratePolicySets) { s.model = nil }), map[limits.Kind]int64{limits.KindPlatform: 6, limits.KindCredential: 7},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := Target{
				Platform: &routing.Platform{ID: id.New(), RateLimitPolicy: json.RawMessage(c.platform)},
				Model:    &routing.PlatformModel{ID: id.New(), RateLimitPolicy: json.RawMessage(c.own)},
			}
			if err := target.limit(&catalog.BaseModel{DefaultRateLimitPolicy: json.RawMessage(c.base)}, c.sets); err != nil {
				t.Fatal(err)
			}
			if len(target.Limits) != len(c.want) {
				t.Fatalf("limits %+v, want %v", target.Limits, c.want)
			}
			for _, s := range target.Limits {
				if got := s.Rate.Windows[0].Limit; got != c.want[s.Kind] {
					t.Errorf("%s is limited to %d, want %d", s.Kind, got, c.want[s.Kind])
				}
			}
		})
	}
	target := Target{Platform: &routing.Platform{}, Model: &routing.PlatformModel{}}
	if err := target.limit(nil, ratePolicySets{standard: json.RawMessage(`{"rpm":"x"}`)}); fault.From(err) == nil {
		t.Error("a policy that cannot be read limits nothing")
	}
}
