package routing

import "github.com/gantry-ai/gantry/internal/inference"

// hedgedKinds are the operations that are hedged where the policy names none: asking for them twice makes nothing twice but
// cost. Pictures, films and recordings are made, kept and paid by the piece, so whoever wants them hedged says so.
var hedgedKinds = []inference.Kind{
	inference.Chat, inference.Responses, inference.Messages, inference.GenerateContent, inference.Completions,
	inference.Embeddings, inference.Rerank, inference.Moderations,
}

type hedgeText struct {
	Enabled bool             `json:"enabled"`
	AfterMs int64            `json:"afterMs"`
	Kinds   []inference.Kind `json:"kinds"`
}

// hedge compiles what was entered; nil where it is not enabled. There is no afterMs that suits every model, so there is no
// default: one that is too short doubles what upstreams are paid.
func (t *hedgeText) hedge(path string) (*Hedge, error) {
	if t == nil || !t.Enabled {
		return nil, nil //nolint:nilnil // nothing is hedged
	}
	if t.AfterMs == 0 {
		return nil, invalid(path+".afterMs", "Say after how many milliseconds a second attempt begins.")
	}
	h := &Hedge{After: millis(t.AfterMs), Kinds: hedgedKinds}
	if t.Kinds != nil {
		h.Kinds = t.Kinds
	}
	return h, nil
}
