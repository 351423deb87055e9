// Package config is the one description of what can be set: a struct whose fields carry their name, their meaning
// and their bounds, and the layers that fill it: defaults, then a YAML file, then the environment, then flags.
//
// Adding a setting is adding a field with tags and its default: the file key, the environment variable, the check
// for unknown keys, `gantry config show` and docs/configuration.md follow from them.
package config

import (
	"net/netip"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
)

// Config holds every setting. Tags: `koanf` is the key in the file, `doc` the meaning, `enum` the values that are
// allowed, `min` the least number or duration that is.
type Config struct {
	Data      string `koanf:"data" doc:"Data directory: the SQLite database, media and generated keys."`
	Addr      string `koanf:"addr" doc:"Address to serve on, host:port."`
	PublicURL string `koanf:"publicUrl" doc:"URL under which people and callbacks reach this installation, such as https://ai.example.org. Empty: links are made from addr."`
	AdminAddr string `koanf:"adminAddr" doc:"Address of the private listener for metrics and profiles, host:port. Empty: none."`
	// MasterKey seals stored credentials. See MasterKeyBytes.
	MasterKey secret.String `koanf:"masterKey" doc:"Key that seals stored credentials: 32 random bytes in base64 or hex. Empty: one is generated into the data directory (mode 0600)."`
	// TrustedProxies are the proxies whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix `koanf:"trustedProxies" doc:"Networks (CIDR) of the reverse proxies whose X-Forwarded-For and X-Forwarded-Proto are believed."`

	Database   Database   `koanf:"database"`
	Log        Log        `koanf:"log"`
	HTTP       HTTP       `koanf:"http"`
	Auth       Auth       `koanf:"auth"`
	Admin      Admin      `koanf:"admin"`
	Wallet     Wallet     `koanf:"wallet"`
	Relay      Relay      `koanf:"relay"`
	Tasks      Tasks      `koanf:"tasks"`
	Journal    Journal    `koanf:"journal"`
	Cluster    Cluster    `koanf:"cluster"`
	Limits     Limits     `koanf:"limits"`
	Tracing    Tracing    `koanf:"tracing"`
	Media      Media      `koanf:"media"`
	Responses  Responses  `koanf:"responses"`
	Files      Files      `koanf:"files"`
	Simulation Simulation `koanf:"simulation"`
	Shutdown   Shutdown   `koanf:"shutdown"`
	Surfaces   Surfaces   `koanf:"surfaces"`
}

// Database says where state is kept.
type Database struct {
	// URL is a secret because it usually holds a password.
	URL        secret.String `koanf:"url" doc:"PostgreSQL URL (postgres://user:password@host/database). Empty: SQLite in the data directory."`
	MaxReaders int           `koanf:"maxReaders" min:"1" doc:"Connections for reading. SQLite has one more for writing."`
}

// Log says what is logged and how.
type Log struct {
	Level  string `koanf:"level" enum:"debug,info,warn,error" doc:"Least level that is logged."`
	Format string `koanf:"format" enum:"auto,text,json" doc:"Format of the log on stderr; auto is text on a terminal and json elsewhere."`
}

// HTTP bounds what a connection may take.
type HTTP struct {
	ReadHeaderTimeout time.Duration `koanf:"readHeaderTimeout" min:"1ms" doc:"Time for a client to send its request headers."`
}

// Auth says who may come in.
type Auth struct {
	IdentityMode string `koanf:"identityMode" enum:"standalone,hybrid,external" doc:"standalone: local accounts; hybrid: local accounts and an identity provider; external: no local registration."`
	Registration string `koanf:"registration" enum:"open,invite,closed" doc:"Who may make an account."`
	// InvitationCode is required of who registers when registration is "invite".
	InvitationCode secret.String `koanf:"invitationCode" doc:"Code that people must give to register when auth.registration is invite. Tenants can have codes of their own."`
	TokenTTL       time.Duration `koanf:"tokenTtl" min:"1m" doc:"How long a session lasts."`
	JWTSecret      secret.String `koanf:"jwtSecret" doc:"Secret that signs session tokens, 32 random bytes or more; equal on every node. Empty: one is generated into the data directory (mode 0600)."`
	OIDC           OIDC          `koanf:"oidc"`
	TrustedJWT     TrustedJWT    `koanf:"trustedJwt"`
}

// OIDC is the identity provider at which people sign in to the console.
type OIDC struct {
	Issuer       string        `koanf:"issuer" doc:"Issuer URL of an OpenID Connect provider at which people sign in to the console. Needs auth.identityMode hybrid or external, auth.oidc.clientId and publicUrl; the provider sends people back to <publicUrl>/api/console/oidc/callback. Empty: none."`
	ClientID     string        `koanf:"clientId" doc:"This installation's name at the provider."`
	ClientSecret secret.String `koanf:"clientSecret" doc:"This installation's secret at the provider. Empty: a public client."`
	Scopes       string        `koanf:"scopes" doc:"What to ask the provider for besides openid, parted by spaces."`
	Title        string        `koanf:"title" doc:"Name of the provider on the sign-in page."`
	Name         string        `koanf:"name" doc:"Name of the provider in the source of users. It stays: with the provider's subject it tells who somebody is."`
	RolesClaim   string        `koanf:"rolesClaim" doc:"Claim that lists a person's roles or groups, such as realm_access.roles. Empty: roles are given here."`
	Roles        string        `koanf:"roles" doc:"Roles here for those that the claim lists, as theirs=admin,other=operator. Who has none is a user."`
	TenantClaim  string        `koanf:"tenantClaim" doc:"Claim with the key or the external id of a person's tenant, which every person must then have. Empty: the default tenant."`
}

// TrustedJWT is another issuer whose tokens are accepted as bearer tokens.
type TrustedJWT struct {
	Issuer        string `koanf:"issuer" doc:"Issuer (iss) whose tokens are accepted as bearer tokens. Needs auth.identityMode hybrid or external, auth.trustedJwt.audience, and either jwksUrl or publicKey. Empty: none."`
	Audience      string `koanf:"audience" doc:"Audience (aud) that tokens must name."`
	JWKSURL       string `koanf:"jwksUrl" doc:"Where the issuer publishes its keys."`
	PublicKey     string `koanf:"publicKey" doc:"The issuer's public key in PEM, in place of jwksUrl."`
	Algorithms    string `koanf:"algorithms" doc:"Algorithms that tokens may be signed with, parted by commas: RS256, RS384, RS512, ES256, ES384, ES512, PS256, PS384, PS512, EdDSA."`
	Name          string `koanf:"name" doc:"Name of the issuer in the source of users. It may be that of auth.oidc.name only if both have the same issuer."`
	UsernameClaim string `koanf:"usernameClaim" doc:"Claim with the name of new users."`
	RolesClaim    string `koanf:"rolesClaim" doc:"Claim that lists a person's roles or groups. Empty: roles are given here."`
	Roles         string `koanf:"roles" doc:"Roles here for those that the claim lists, as theirs=admin,other=operator. Who has none is a user."`
	TenantClaim   string `koanf:"tenantClaim" doc:"Claim with the key or the external id of a person's tenant, which every person must then have. Empty: the default tenant."`
}

// Admin is the first administrator, made at start when there is none.
type Admin struct {
	Username string        `koanf:"username" doc:"Name of the first administrator. Empty: a one-time setup link is printed instead."`
	Password secret.String `koanf:"password" doc:"Password of the first administrator, 8 characters or more."`
}

// Wallet holds the rules of money. Grants are decimal numbers in major units.
type Wallet struct {
	Currency    money.Currency `koanf:"currency" doc:"Currency of a new user's wallet (ISO 4217)."`
	SimGrant    money.Number   `koanf:"simGrant" doc:"Simulated money (SIM) that a new user is given."`
	SignupGrant money.Number   `koanf:"signupGrant" doc:"Real money, in wallet.currency, that a new user is given."`
	SettleAck   string         `koanf:"settleAck" enum:"durable,process" doc:"When a charge counts as recorded: durable waits for the disk and survives power loss; process waits for the operating system and survives a crash of the program, while a loss of power can cost the last 50 ms."`
}

// Relay bounds a relayed call.
type Relay struct {
	MaxBodyBytes     int64         `koanf:"maxBodyBytes" min:"1024" doc:"Largest request body."`
	MaxMediaBytes    int64         `koanf:"maxMediaBytes" min:"1024" doc:"Largest request body of operations that take pictures or recordings along (image edits, videos, transcriptions; of Messages up to 32 MiB, of Gemini's up to 20 MiB), where it is more than relay.maxBodyBytes."`
	ConnectTimeout   time.Duration `koanf:"connectTimeout" min:"1ms" doc:"Time to connect to an upstream, TLS included."`
	FirstByteTimeout time.Duration `koanf:"firstByteTimeout" min:"1ms" doc:"Time to an upstream's first byte; a policy may say otherwise."`
	IdleTimeout      time.Duration `koanf:"idleTimeout" min:"1ms" doc:"Longest silence within an upstream's stream."`
	TotalTimeout     time.Duration `koanf:"totalTimeout" min:"1ms" doc:"Time for a whole call with all its attempts."`
	// SessionTimeout and SessionIdleTimeout are for sessions over WebSocket, which TotalTimeout and IdleTimeout are not.
	SessionTimeout     time.Duration `koanf:"sessionTimeout" min:"1s" doc:"Longest duration of a realtime session."`
	SessionIdleTimeout time.Duration `koanf:"sessionIdleTimeout" min:"1s" doc:"Longest silence, of both sides, in a realtime session."`
	OnUnbounded        string        `koanf:"onUnbounded" enum:"clamp,reject" doc:"What to do with a request that bounds its output by nothing: clamp to what the model and the wallet allow, or reject."`
	// ProxyURL is a secret because it may hold a password.
	ProxyURL secret.String `koanf:"proxyUrl" doc:"Proxy to reach upstreams through whose platform names none (http, https or socks5). Loopback addresses are reached directly. Empty: what HTTPS_PROXY, HTTP_PROXY and NO_PROXY say."`
	Replay   Replay        `koanf:"replay"`
}

// Replay bounds what is kept of calls with an Idempotency-Key.
type Replay struct {
	Retention   time.Duration `koanf:"retention" min:"1m" doc:"How long an idempotency key and its answer are remembered."`
	MaxBytes    int64         `koanf:"maxBytes" min:"0" doc:"Largest answer that is stored for repeats. A larger one is kept in memory only."`
	MemoryBytes int64         `koanf:"memoryBytes" min:"1048576" doc:"Memory for answers that can be repeated or resumed; the oldest make room for others."`
	Linger      time.Duration `koanf:"linger" min:"0s" doc:"How long a call with an idempotency key goes on that nobody listens to; its caller may come back."`
}

// Tasks bounds asynchronous calls.
type Tasks struct {
	Workers  int           `koanf:"workers" min:"1" doc:"Most asynchronous calls that this node runs at one time; others wait."`
	Timeout  time.Duration `koanf:"timeout" min:"1s" doc:"Time for one asynchronous call, from when a worker takes it, with all its attempts."`
	Patience time.Duration `koanf:"patience" min:"0s" doc:"How long after its acceptance an asynchronous call waits for an upstream or a rate limit that cannot take it; then it fails."`
}

// Journal says how records are grouped before they are made durable together.
type Journal struct {
	MaxBatch int           `koanf:"maxBatch" min:"1" doc:"Most finished calls that are written to the database in one transaction."`
	Linger   time.Duration `koanf:"linger" doc:"How long finished calls may wait to be written to the database together; they are safe in the journal meanwhile."`
}

// Cluster lets several nodes serve one installation.
type Cluster struct {
	Enabled bool   `koanf:"enabled" doc:"Share wallets with other nodes on the same PostgreSQL database, each spending from leases. Needs database.url, masterKey and auth.jwtSecret, the latter two equal on every node."`
	Node    string `koanf:"node" doc:"Name of this node in logs and tables. Empty: the machine's host name."`
}

// Limits says where rate limits are counted.
type Limits struct {
	Redis Redis `koanf:"redis"`
}

// Redis counts rate limits for several nodes. It holds counts that may be lost, never money.
type Redis struct {
	// URL is a secret because it usually holds a password.
	URL     secret.String `koanf:"url" doc:"Redis or Valkey that counts rate limits for all nodes (redis://user:password@host:6379/0; rediss:// with TLS). Empty: each node admits its part of every limit."`
	Prefix  string        `koanf:"prefix" doc:"What the names of all keys in Redis begin with; equal on every node."`
	Timeout time.Duration `koanf:"timeout" min:"1ms" doc:"Time for Redis to answer; then a node goes by its part of the limits, and asks again a little later."`
}

// Tracing sends a trace of each request to a collector.
type Tracing struct {
	Endpoint    string `koanf:"endpoint" doc:"URL of an OpenTelemetry collector that takes OTLP over HTTP, such as http://127.0.0.1:4318. Empty: no traces."`
	SampleRatio string `koanf:"sampleRatio" doc:"Share of the requests that are traced, from 0 to 1, where the caller has not decided it in traceparent."`
	// Headers are a secret because they usually hold a token.
	Headers   secret.String `koanf:"headers" doc:"Headers for the collector, as name=value,name=value."`
	Propagate bool          `koanf:"propagate" doc:"Send traceparent to upstreams. It tells them which of your requests belong together."`
}

// Media keeps what calls make.
type Media struct {
	Retention time.Duration `koanf:"retention" min:"1h" doc:"How long pictures and videos that calls made are kept."`
	LinkTTL   time.Duration `koanf:"linkTtl" min:"1m" doc:"How long a link to one of them works."`
	MaxBytes  int64         `koanf:"maxBytes" min:"1024" doc:"Largest file that is kept."`
	S3        S3            `koanf:"s3"`
}

// Responses are kept, so that callers may ask for them again and continue them.
type Responses struct {
	Retention time.Duration `koanf:"retention" min:"0s" doc:"How long responses are kept whose callers do not say store: false. 0s: none are, and previous_response_id is the upstream's."`
}

// Files are what callers bring for later calls.
type Files struct {
	Retention time.Duration `koanf:"retention" min:"1h" doc:"How long files are kept whose callers do not want them to end sooner."`
	MaxBytes  int64         `koanf:"maxBytes" min:"1024" doc:"Largest file that callers may bring. It is in memory while it is taken."`
	PerUser   int64         `koanf:"perUser" min:"0" doc:"How many files a user may have."`
	UserBytes int64         `koanf:"userBytes" min:"0" doc:"How many bytes the files of a user may have together."`
}

// S3 is an object store that several nodes share.
type S3 struct {
	Endpoint  string        `koanf:"endpoint" doc:"URL of an object store that speaks S3, such as https://s3.eu-central-1.amazonaws.com. Empty: files are kept in the data directory. Several nodes need one."`
	Region    string        `koanf:"region" doc:"Region of the bucket."`
	Bucket    string        `koanf:"bucket" doc:"Bucket that holds the files. It must exist."`
	Prefix    string        `koanf:"prefix" doc:"What the names of all objects begin with."`
	AccessKey string        `koanf:"accessKey" doc:"Access key id."`
	SecretKey secret.String `koanf:"secretKey" doc:"Secret access key."`
	PathStyle bool          `koanf:"pathStyle" doc:"Name the bucket in the path instead of the host, as most stores other than Amazon's want it."`
}

// Simulation is the built-in upstream that needs no network.
type Simulation struct {
	Enabled         bool `koanf:"enabled" doc:"Offer the built-in simulator and its models."`
	TokensPerSecond int  `koanf:"tokensPerSecond" min:"1" doc:"Speed of simulated streams."`
}

// Shutdown bounds the end.
type Shutdown struct {
	Delay   time.Duration `koanf:"delay" min:"0s" doc:"Time between the end of readiness and the end of new connections after SIGTERM, for load balancers to notice."`
	Timeout time.Duration `koanf:"timeout" min:"1ms" doc:"Time for open requests to finish after SIGTERM; what is open then is cut and settled."`
}

// Surfaces are the faces of Gantry. Each can be switched off or moved.
type Surfaces struct {
	Protocols    Surface `koanf:"protocols"`
	Gateway      Surface `koanf:"gateway"`
	TokenFactory Surface `koanf:"tokenfactory"`
	Yuanjing     Surface `koanf:"yuanjing"`
	ConsoleAdmin Surface `koanf:"consoleadmin"`
	Drawing      Surface `koanf:"drawing"`
	Console      Surface `koanf:"console"`
}

// Surface says where one face answers.
type Surface struct {
	Enabled bool   `koanf:"enabled" doc:"Serve this surface."`
	Prefix  string `koanf:"prefix" doc:"Path in front of all its paths, such as /drawing."`
	Host    string `koanf:"host" doc:"Host name that it answers to alone. Empty: any."`
}
