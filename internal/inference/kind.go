package inference

// Kind is the operation that a caller asks for. Contracts show it as a task's kind.
type Kind string

// The operations.
const (
	Chat             Kind = "chat.completions"
	Responses        Kind = "responses"
	Messages         Kind = "messages"
	GenerateContent  Kind = "generate_content"
	Completions      Kind = "completions"
	Embeddings       Kind = "embeddings"
	ImageGenerations Kind = "images.generations"
	ImageEdits       Kind = "images.edits"
	ImageVariations  Kind = "images.variations"
	VideoGenerations Kind = "videos.generations"
	Speech           Kind = "audio.speech"
	Transcriptions   Kind = "audio.transcriptions"
	Translations     Kind = "audio.translations"
	Rerank           Kind = "rerank"
	Moderations      Kind = "moderations"
	Realtime         Kind = "realtime" // a response of a session in which both sides speak when they like
)

// Kinds are all operations.
var Kinds = []Kind{
	Chat, Responses, Messages, GenerateContent, Completions, Embeddings, ImageGenerations, ImageEdits, ImageVariations,
	VideoGenerations, Speech, Transcriptions, Translations, Rerank, Moderations, Realtime,
}

// ModelType is what a model can be used for; a model may have several.
type ModelType string

// The model types of DESIGN section 6.
const (
	TypeChat             ModelType = "chat"
	TypeResponses        ModelType = "responses"
	TypeEmbedding        ModelType = "embedding"
	TypeImage            ModelType = "image"
	TypeImageEdit        ModelType = "image_edit"
	TypeVideo            ModelType = "video"
	TypeImageToVideo     ModelType = "image_to_video"
	TypeReferenceToVideo ModelType = "reference_to_video"
	TypeTTS              ModelType = "tts"
	TypeSTT              ModelType = "stt"
	TypeRealtime         ModelType = "realtime"
	TypeRerank           ModelType = "rerank"
	TypeModeration       ModelType = "moderation"
	TypeMidjourney       ModelType = "midjourney"
	TypeTraining         ModelType = "training"
)

// ModelTypes are all model types.
var ModelTypes = []ModelType{
	TypeChat, TypeResponses, TypeEmbedding, TypeImage, TypeImageEdit, TypeVideo, TypeImageToVideo, TypeReferenceToVideo, TypeTTS,
	TypeSTT, TypeRealtime, TypeRerank, TypeModeration, TypeMidjourney, TypeTraining,
}

var kindTypes = map[Kind]ModelType{
	Chat: TypeChat, Responses: TypeResponses, Messages: TypeChat, GenerateContent: TypeChat, Completions: TypeChat,
	Embeddings: TypeEmbedding, ImageGenerations: TypeImage, ImageEdits: TypeImageEdit, ImageVariations: TypeImageEdit,
	VideoGenerations: TypeVideo, Speech: TypeTTS, Transcriptions: TypeSTT, Translations: TypeSTT, Rerank: TypeRerank,
	Moderations: TypeModeration, Realtime: TypeRealtime,
}

// ModelType is the type that a model needs for the operation; "" for an unknown kind.
func (k Kind) ModelType() ModelType { return kindTypes[k] }

// Dialect is a family of wire formats; with a Kind it names one format.
type Dialect string

// The dialects.
const (
	OpenAI    Dialect = "openai"
	Anthropic Dialect = "anthropic"
	Gemini    Dialect = "gemini"
	// Bedrock is the Converse API, Ollama its native API. Upstreams speak them, callers do not.
	Bedrock Dialect = "bedrock"
	Ollama  Dialect = "ollama"
)

// Uses reports whether a model of the type can consume the resource at all. Prices of others need not be shown.
func (t ModelType) Uses(r Resource) bool {
	switch r {
	case Request:
		return true
	case Image:
		return t == TypeImage || t == TypeImageEdit || t == TypeMidjourney
	case VideoSecond:
		return t == TypeVideo || t == TypeImageToVideo || t == TypeReferenceToVideo
	case AudioSecond:
		return t == TypeSTT || t == TypeTTS || t == TypeRealtime
	case Characters:
		return t == TypeTTS
	case TrainingStep:
		return t == TypeTraining
	case Search:
		return t == TypeRerank || t == TypeChat || t == TypeResponses
	case TextOutput, TextReasoning:
		return t != TypeEmbedding && t != TypeRerank && t != TypeModeration
	default:
		return t != TypeTraining
	}
}
