package azure

import (
	"encoding/json"
	"regexp"
	"strconv"

	"github.com/gantry-ai/gantry/internal/provider"
)

var versionForm = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}(-preview)?$`)

// modern is the first API version that knows max_completion_tokens and stream_options.
const modern = "2024-09-01-preview"

// settle checks the settings and fills in what the API version says.
func (c *config) settle() error {
	if c.APIVersion != "" && !versionForm.MatchString(c.APIVersion) {
		return provider.FaultConfig("config.apiVersion", "An API version is a date, such as 2024-10-21 or 2025-04-01-preview; leave it empty for v1.")
	}
	knows := c.APIVersion == "" || c.APIVersion >= modern
	switch c.MaxTokensParam {
	case "max_tokens", "max_completion_tokens":
	case "":
		c.MaxTokensParam = "max_tokens"
		if knows {
			c.MaxTokensParam = "max_completion_tokens"
		}
	default:
		return provider.FaultConfig("config.maxTokensParam", "The parameter must be max_tokens or max_completion_tokens.")
	}
	switch c.StreamUsage {
	case "true", "false":
	case "":
		c.StreamUsage = strconv.FormatBool(knows)
	default:
		return provider.FaultConfig("config.streamUsage", "The setting must be true, false or empty.")
	}
	return nil
}

func (c *config) shape() provider.Shape {
	return provider.Shape{MaxOutputParam: c.MaxTokensParam, StreamUsage: c.StreamUsage == "true"}
}

// openAI are the settings in the words of the adapter "openai".
func (c *config) openAI() []byte {
	text, err := json.Marshal(map[string]any{
		"authHeader": "api-key", "maxTokensParam": c.MaxTokensParam, "streamUsage": c.StreamUsage == "true",
	})
	if err != nil {
		panic(err) // texts and truth values can be written
	}
	return text
}
