package routing

// AdapterField is something that an adapter wants to know of an account.
type AdapterField struct {
	Name     string
	Required bool
}

// AdapterInfo is what routing needs to know of an adapter.
type AdapterInfo struct {
	Name           string
	DefaultBaseURL string
	AuthTypes      []string // the first is the default
	Credential     []AdapterField
	Simulated      bool
}

// Adapters knows the kinds of upstreams that there are.
type Adapters interface {
	Lookup(name string) (AdapterInfo, bool)
	// Check tries out a configuration without I/O. Its faults name the path of the field.
	Check(name, baseURL, authType string, credential map[string]string, config []byte) error
}
