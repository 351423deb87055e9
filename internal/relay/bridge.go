package relay

import (
	"net/http"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/params"
	"github.com/gantry-ai/gantry/internal/wire/translate"
)

// bridge leads callers of a protocol that an upstream does not speak to one that it does.
type bridge struct {
	translate.Bridge

	// embeddings is what it leads instead of chats; nil: chats.
	embeddings *translate.Embeddings
	// foreign finds what only providers of another family sealed, of a bridge to the caller's own protocol; nil: of another bridge.
	foreign wire.SealFinder
}

// bridges are those of a target, for every chat protocol that it does not speak itself, and for embeddings; nil where it has
// neither.
func (c *compiler) bridges(t *Target) map[inference.API]*bridge {
	out := c.embeddings(t)
	to := c.spoken(t)
	if to == nil {
		return out
	}
	if out == nil {
		out = map[inference.API]*bridge{}
	}
	for _, codec := range c.Codecs {
		from, ok := codec.(wire.Codec)
		if !ok {
			continue // nobody calls in it
		}
		api := inference.API{Kind: from.Kind(), Dialect: from.Dialect()}
		if api.Dialect == api.Kind.Home() && !t.speaks(api) {
			out[api] = c.bridge(t, from, to)
		}
	}
	return out
}

// mends are the bridges of a target to the protocols that it speaks itself: what another provider sealed comes from callers in
// all of them, and would be refused.
func (c *compiler) mends(t *Target) map[inference.API]*bridge {
	var out map[inference.API]*bridge
	for _, codec := range c.Codecs {
		api := inference.API{Kind: codec.Kind(), Dialect: codec.Dialect()}
		own, ok := codec.(wire.Codec)
		finder, seals := codec.(wire.SealFinder)
		if !ok || !seals || !t.speaks(api) {
			continue
		}
		if out == nil {
			out = map[inference.API]*bridge{}
		}
		out[api] = c.bridge(t, own, own)
		out[api].foreign = finder
	}
	return out
}

// bridge is the one that a request in a protocol needs to the target; nil: its bytes go through.
func (t *Target) bridge(api inference.API, body []byte) *bridge {
	if b := t.bridges[api]; b != nil {
		return b
	}
	if b := t.mends[api]; b != nil && b.foreign.ForeignSeals(body) {
		return b
	}
	return nil
}

// embeddings are the bridges to a target from the protocols of embeddings that it does not speak; nil: it has no embeddings.
func (c *compiler) embeddings(t *Target) (out map[inference.API]*bridge) {
	const kind = inference.Embeddings
	for _, to := range c.EmbeddingCodecs {
		if !t.speaks(inference.API{Kind: kind, Dialect: to.Dialect()}) {
			continue
		}
		out = map[inference.API]*bridge{}
		for _, from := range c.EmbeddingCodecs {
			if from.Dialect() != to.Dialect() {
				out[inference.API{Kind: kind, Dialect: from.Dialect()}] = &bridge{embeddings: &translate.Embeddings{
					Caller: from, Upstream: to, Policy: lossPolicies[c.settings.Untranslatable],
				}}
			}
		}
	}
	return out
}

// spoken is the first of the codecs whose protocol the target's upstream speaks; nil: none.
func (c *compiler) spoken(t *Target) wire.UpstreamCodec {
	for _, codec := range c.Codecs {
		dialect := codec.Dialect()
		if t.Dialects[codec.Kind()] != dialect {
			continue
		}
		// Beyond their home dialects kinds say little: who speaks such a one offers conversations in it alone.
		if t.speaks(inference.API{Kind: codec.Kind(), Dialect: dialect}) {
			return codec
		}
	}
	return nil
}

func (c *compiler) bridge(t *Target, from wire.Codec, to wire.UpstreamCodec) *bridge {
	now := c.Clock
	if now == nil {
		now = func() time.Time { return c.Now }
	}
	return &bridge{Bridge: translate.Bridge{
		Caller: from, Upstream: to, Policy: lossPolicies[c.settings.Untranslatable], Now: now,
		Options: wire.EncodeOptions{
			MaxOutputParam: t.Shape.MaxOutputParam, AskUsage: t.Shape.StreamUsage, ReturnReasoning: t.Shape.ReturnReasoning,
			FixedSampling: t.Shape.FixedSampling,
			ModelOutput:   t.MaxOutput,
		},
	}}
}

// lossPolicies are a platform's words for them.
var lossPolicies = map[routing.Untranslatable]wire.LossPolicy{
	routing.DropParameters: wire.DropParameters, routing.RefuseUntranslatable: wire.RefuseLosses, routing.DropUntranslatable: wire.DropLosses,
}

// cross translates the request for a target that speaks another protocol. It comes before money is set aside: what cannot be
// translated is refused. Codes: unsupported_parameter with the path, and those of bad requests.
func (c *call) cross(t *Target) error {
	c.crossing = nil
	b := t.bridge(wire.API(c.op.Format), c.body)
	if b == nil {
		return nil
	}
	limit := c.ask.MaxOutput
	if limit == 0 {
		limit = c.maxOutput
	}
	var err error
	if b.embeddings != nil {
		c.crossing, err = b.embeddings.Request(c.body, t.Model.ProviderModelName)
		return err
	}
	c.crossing, err = b.Request(c.body, t.Model.ProviderModelName, c.ask.Stream, limit)
	return err
}

// prepareCrossing makes the call for a target that speaks another protocol than the caller.
func (c *call) prepareCrossing(t *Target, attempt int) *provider.Call {
	return &provider.Call{
		Kind: c.crossing.Kind(), Stream: c.ask.Stream, Model: t.Model.ProviderModelName,
		Body: c.crossing.Body, ContentType: "application/json",
		Header: c.headersFor(t), RequestID: c.requestID, Attempt: attempt,
	}
}

// translated has a successful answer read in the caller's protocol.
func translated(x *translate.Crossing, resp *http.Response, stream bool) {
	if x == nil || resp == nil || resp.StatusCode != http.StatusOK {
		return
	}
	resp.ContentLength = -1
	if stream {
		resp.Body = x.Stream(resp.Body)
	} else {
		resp.Body = x.Whole(resp.Body)
	}
}

// exact takes the usage as the upstream told it: the caller's protocol may have fewer words for it.
func (c *call) exact(m *wire.Metered) {
	if c.crossing == nil {
		return
	}
	if u, ok := c.crossing.Usage(); ok {
		m.Usage, m.Known = u, true
	}
}

// changed is what an attempt is sent otherwise than the caller wrote it, for the target's sake or its protocol's.
func (c *call) changed() []params.Change {
	if c.crossing == nil || len(c.crossing.Losses) == 0 {
		return c.changes
	}
	out := append([]params.Change(nil), c.changes...)
	for _, l := range c.crossing.Losses {
		out = append(out, params.Change{Path: l.Path, Before: l.Before, After: l.After, Rule: "translation", Reason: l.Reason})
	}
	return out
}
