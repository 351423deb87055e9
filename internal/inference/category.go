package inference

// Category is the outcome of one attempt at an upstream. Policies and routing know only these, never a vendor.
type Category string

// The categories. Source: DESIGN section 7.
const (
	OK             Category = "ok"
	InvalidRequest Category = "invalid_request"
	Authentication Category = "authentication"
	Permission     Category = "permission"
	NotFound       Category = "not_found"
	RateLimited    Category = "rate_limited"
	QuotaExhausted Category = "quota_exhausted"
	ContentPolicy  Category = "content_policy"
	ContextLength  Category = "context_length"
	Overloaded     Category = "overloaded"
	ServerError    Category = "server_error"
	Timeout        Category = "timeout"
	Connect        Category = "connect"
	Protocol       Category = "protocol"
	Canceled       Category = "canceled"
)

// Categories lists all of them, for validation.
var Categories = []Category{
	OK, InvalidRequest, Authentication, Permission, NotFound, RateLimited, QuotaExhausted, ContentPolicy, ContextLength,
	Overloaded, ServerError, Timeout, Connect, Protocol, Canceled,
}
