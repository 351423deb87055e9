package translate

import (
	"cmp"
	"errors"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire"
)

// Embeddings joins two formats of embeddings. It is safe for concurrent use.
type Embeddings struct {
	Caller, Upstream wire.EmbeddingCodec
	Policy           wire.LossPolicy
}

var errVectorCount = errors.New("translate: there are not as many vectors as inputs")

// embedding is one request for vectors on its way.
type embedding struct {
	*Embeddings

	asked *inference.Embedding
}

// Request translates a request. Errors: *fault.Error with the path of the field, wire.ErrUntranslatable among them.
func (b *Embeddings) Request(body []byte, model string) (*Crossing, error) {
	asked, err := b.Caller.DecodeEmbedding(body)
	if err != nil {
		return nil, err
	}
	asked.Model = model
	losses := wire.Losses{Policy: b.Policy}
	out, err := b.Upstream.EncodeEmbedding(asked, &losses)
	if err != nil {
		return nil, err
	}
	return &Crossing{Body: out, Losses: losses.Dropped, embedding: &embedding{b, asked}}, nil
}

// answer translates an answer, and tells what it took.
func (e *embedding) answer(body []byte) ([]byte, inference.Usage, bool, error) {
	v, err := e.Upstream.DecodeVectors(body)
	if err == nil && len(v.Values) != len(e.asked.Inputs) {
		err = errVectorCount
	}
	if err != nil {
		return nil, inference.Usage{}, false, err
	}
	v.Model = cmp.Or(v.Model, e.asked.Model)
	out, err := e.Caller.EncodeVectors(v, e.asked)
	return out, v.Usage, v.HasUsage, err
}
