package relay

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/wire/params"
	"github.com/gantry-ai/gantry/internal/wire/tokens"
)

// settings are what a platform's configuration says whatever its adapter is, compiled.
type settings struct {
	routing.Config
	override *params.Override
}

func readSettings(p *routing.Platform) (settings, error) {
	c, err := routing.ParseConfig(p.Config)
	if err != nil {
		return settings{}, err
	}
	s := settings{Config: c}
	s.override, err = params.CompileOverride(c.ParamOverride)
	return s, err
}

// renamed is the model under the name that the platform calls it by.
func (s *settings) renamed(m *routing.PlatformModel) *routing.PlatformModel {
	name := s.Upstream(m)
	if name == m.ProviderModelName {
		return m
	}
	out := *m
	out.ProviderModelName = name
	return &out
}

// shape gives a target the platform's settings, its own capabilities' rules, and what its model counts by. A schema that cannot be compiled is left
// out: it was refused when it was entered, unless it came another way.
func (c *compiler) shape(t *Target) {
	t.family = tokens.FamilyOf(t.Model.ProviderModelName, t.Model.Alias, t.Model.Name)
	if base := c.bases[t.Model.BaseModelID]; base != nil && t.family == tokens.Other {
		t.family = tokens.FamilyOf(base.ProviderModelName)
	}
	t.statuses = c.settings.StatusCodeMapping
	schema, err := params.Compile(t.Capabilities.Params)
	if err != nil {
		c.Log.Error("parameter rules left out", "platform", t.Platform.Name, "model", t.Model.Alias, "error", err)
	}
	if !schema.IsEmpty() || c.settings.override != nil {
		t.shaping = &shaping{schema, c.settings.override}
	}
}

// restate gives an answer the status that the operator wants it classified by.
func (t *Target) restate(resp *http.Response) {
	if t.statuses == nil {
		return
	}
	if status, ok := t.statuses[strconv.Itoa(resp.StatusCode)]; ok {
		resp.StatusCode = status
	}
}

// shaping changes requests: to what the model can take, and then to what the platform's operator wants.
type shaping struct {
	schema   *params.Schema
	override *params.Override
}

func (s *shaping) apply(body []byte) ([]byte, []params.Change, error) {
	body, changes, err := s.schema.Apply(body)
	if err != nil {
		return nil, nil, err
	}
	body, more, err := s.override.Apply(body)
	if len(changes) == 0 {
		return body, more, err
	}
	return body, append(changes, more...), err
}

// refusal is the reason why a target cannot take a request; nil when err is none.
func refusal(err error) *params.RefusalError {
	r, _ := errors.AsType[*params.RefusalError](err)
	return r
}
