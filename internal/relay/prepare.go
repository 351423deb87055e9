package relay

import (
	"net/http"

	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/wire"
)

// prepare makes the call that a target is sent. Where caller and upstream speak the same format the bytes go through; only
// the model's name, the output limit and the wish for usage are edited in.
func (c *call) prepare(t *Target, attempt int) *provider.Call {
	c.logChanges(t, attempt)
	if c.crossing != nil {
		return c.prepareCrossing(t, attempt)
	}
	change := wire.Change{MaxOutputParam: t.Shape.MaxOutputParam, AskUsage: c.ask.Stream && t.Shape.StreamUsage}
	if t.Model.ProviderModelName != c.ask.Model {
		change.Model = t.Model.ProviderModelName
	}
	if c.ask.MaxOutput == 0 {
		change.MaxOutput = c.maxOutput
	}
	return &provider.Call{
		Kind: c.op.Format.Kind(), Stream: c.ask.Stream, Model: t.Model.ProviderModelName,
		Body: c.op.Format.Edit(nil, c.body, &c.ask, change), ContentType: "application/json",
		Header: c.headersFor(t), RequestID: c.requestID, Attempt: attempt, Source: c.sourceName(),
	}
}

// simulationHeader asks the simulation engine for a fault; nobody else ever sees it.
const simulationHeader = "X-Simulation"

func (c *call) headersFor(t *Target) http.Header {
	if !t.Simulated {
		return c.passed()
	}
	if v := c.req.Header.Get(simulationHeader); v != "" {
		return http.Header{simulationHeader: {v}}
	}
	return nil
}

// passed are the caller's headers that belong to the request.
func (c *call) passed() (out http.Header) {
	format, ok := c.op.Format.(wire.HeaderPasser)
	if !ok {
		return nil
	}
	for _, name := range format.Passes() {
		if values := c.req.Header[name]; len(values) > 0 {
			if out == nil {
				out = http.Header{}
			}
			out[name] = values
		}
	}
	return out
}
