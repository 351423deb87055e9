package inference

// API is an operation in a dialect: what callers speak at one endpoint, and upstreams at another.
type API struct {
	Kind    Kind
	Dialect Dialect
}

// Home is the dialect of which an operation is an operation.
func (k Kind) Home() Dialect {
	switch k {
	case Messages:
		return Anthropic
	case GenerateContent:
		return Gemini
	default:
		return OpenAI
	}
}

// IsChat reports whether an operation is a conversation with a model, which can be carried on in any protocol of that kind.
func (k Kind) IsChat() bool {
	switch k {
	case Chat, Responses, Messages, GenerateContent:
		return true
	default:
		return false
	}
}
