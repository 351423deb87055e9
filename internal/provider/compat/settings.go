package compat

import (
	"encoding/json"
	"maps"
	"strconv"

	"github.com/gantry-ai/gantry/internal/provider"
)

// shared are the settings that every vendor has, and that the adapter "openai" reads.
type shared struct {
	MaxTokensParam string `json:"maxTokensParam"`
	StreamUsage    bool   `json:"streamUsage"`
}

// settle reads a platform's config: the vendor's own settings become headers, the rest is returned as the adapter "openai"
// takes it.
func (v *vendor) settle(headers map[string]string, config []byte) (map[string]string, []byte, error) {
	own, rest, err := v.divide(config)
	if err != nil {
		return nil, nil, err
	}
	c := shared{MaxTokensParam: v.limit(), StreamUsage: !v.silent}
	if err := provider.DecodeConfig(rest, &c); err != nil {
		return nil, nil, err
	}
	if c.MaxTokensParam == "" {
		c.MaxTokensParam = v.limit()
	}
	if len(own) > 0 {
		headers = maps.Clone(headers)
		if headers == nil {
			headers = map[string]string{}
		}
		maps.Copy(headers, own)
	}
	rest, err = json.Marshal(c)
	return headers, rest, err
}

func (v *vendor) limit() string {
	if v.maxOutput != "" {
		return v.maxOutput
	}
	return "max_tokens"
}

// divide takes the vendor's own settings, as headers, out of a config. An empty one, or what is no JSON, is returned as it is.
func (v *vendor) divide(config []byte) (own map[string]string, rest []byte, err error) {
	var members map[string]json.RawMessage
	if len(v.settings) == 0 || !json.Valid(config) {
		return nil, config, nil
	}
	if json.Unmarshal(config, &members) != nil {
		return nil, nil, provider.FaultConfig("config", "The settings must be a JSON object.")
	}
	own = map[string]string{}
	for _, s := range v.settings {
		raw, given := members[s.name]
		if !given {
			continue
		}
		delete(members, s.name)
		var value string
		if json.Unmarshal(raw, &value) != nil {
			return nil, nil, provider.FaultConfig("config."+s.name, "The setting has the wrong type.")
		}
		if !provider.ValidHeader(s.header, value) {
			return nil, nil, provider.FaultConfig("config."+s.name, "The value cannot be sent as a header.")
		}
		if value != "" {
			own[s.header] = value
		}
	}
	rest, err = json.Marshal(members)
	return own, rest, err
}

// fields are the settings as a form asks for them.
func (v *vendor) fields() []provider.Field {
	var out []provider.Field
	for _, s := range v.settings {
		out = append(out, provider.Field{Name: s.name, Type: "text", Label: text(s.en, s.zh), Help: text(s.helpEn, s.helpZh)})
	}
	return append(out, provider.Field{
		Name: "maxTokensParam", Type: "select", Options: []string{"", "max_tokens", "max_completion_tokens"},
		Label: text("Output limit parameter", "输出上限参数"),
		Help:  text("Empty is what this provider wants: "+v.limit()+".", "留空则使用该供应商的参数:"+v.limit()+"。"),
	}, provider.Field{
		Name: "streamUsage", Type: "bool", Default: strconv.FormatBool(!v.silent),
		Label: text("Usage in streams", "流式用量"),
		Help: text("The upstream tells the usage of a stream when asked. Switch off if it refuses stream_options.",
			"上游可在流式响应中返回用量。若上游拒绝 stream_options,请关闭。"),
	})
}
