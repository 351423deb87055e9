package cohere

import (
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/provider/bearer"
)

// Describe tells what the adapter needs.
func (Adapter) Describe() provider.Description {
	return bearer.Describe(provider.Description{
		Name:           "cohere",
		Title:          "Cohere",
		Logo:           "M4 4h9a5 5 0 010 10H9a5 5 0 00-5 5V4zm12 11h4v4a1 1 0 01-1 1h-3v-5zM6 6v6.1A7 7 0 019 12h4a3 3 0 000-6H6z",
		DefaultBaseURL: defaultBaseURL,
		Config: []provider.Field{
			{
				Name: "inputType", Type: "select", Options: inputTypes, Default: inputTypes[0], Label: bearer.Text("Input type", "输入类型"),
				Help: bearer.Text("What texts are embedded for, where a request does not say in input_type.", "请求未用 input_type 指明时,向量的用途。"),
			},
			{
				Name: "truncate", Type: "select", Options: truncations, Default: truncations[0], Label: bearer.Text("Truncation", "截断"),
				Help: bearer.Text("What is cut off texts that are too long; NONE refuses them.", "超长文本截去哪一端;NONE 表示拒绝。"),
			},
		},
		Models: []string{"rerank-v4.0-pro", "rerank-v4.0-fast", "rerank-v3.5", "embed-v4.0", "embed-multilingual-v3.0"},
	})
}
