package config

import "time"

// Default returns the settings of an installation that sets nothing.
func Default() Config {
	on := Surface{Enabled: true}
	return Config{
		Data:      "./data",
		Addr:      "127.0.0.1:8080",
		AdminAddr: "127.0.0.1:9464",
		Database:  Database{MaxReaders: 4},
		Log:       Log{Level: "info", Format: "auto"},
		HTTP:      HTTP{ReadHeaderTimeout: 10 * time.Second},
		Auth: Auth{
			IdentityMode: "standalone", Registration: "open", TokenTTL: 24 * time.Hour,
			OIDC:       OIDC{Scopes: "profile email", Title: "SSO", Name: "oidc"},
			TrustedJWT: TrustedJWT{Algorithms: "RS256,ES256", Name: "jwt", UsernameClaim: "preferred_username"},
		},
		Wallet: Wallet{Currency: "USD", SimGrant: "100", SignupGrant: "0", SettleAck: "durable"},
		Relay: Relay{
			MaxBodyBytes:     8 << 20,
			MaxMediaBytes:    64 << 20,
			ConnectTimeout:   10 * time.Second,
			FirstByteTimeout: time.Minute,
			IdleTimeout:      time.Minute,
			TotalTimeout:     10 * time.Minute,

			SessionTimeout: time.Hour, SessionIdleTimeout: 15 * time.Minute,
			OnUnbounded: "clamp",
			Replay:      Replay{Retention: 24 * time.Hour, MaxBytes: 1 << 20, MemoryBytes: 256 << 20, Linger: time.Minute},
		},
		Tasks:      Tasks{Workers: 64, Timeout: 30 * time.Minute, Patience: 10 * time.Minute},
		Journal:    Journal{MaxBatch: 512, Linger: 200 * time.Millisecond},
		Limits:     Limits{Redis: Redis{Prefix: "gantry", Timeout: 100 * time.Millisecond}},
		Tracing:    Tracing{SampleRatio: "1"},
		Files:      Files{Retention: 30 * 24 * time.Hour, MaxBytes: 100 << 20, PerUser: 1000, UserBytes: 10 << 30},
		Responses:  Responses{Retention: 30 * 24 * time.Hour},
		Media:      Media{Retention: 30 * 24 * time.Hour, LinkTTL: 24 * time.Hour, MaxBytes: 512 << 20, S3: S3{Region: "us-east-1"}},
		Simulation: Simulation{Enabled: true, TokensPerSecond: 200},
		Shutdown:   Shutdown{Timeout: 30 * time.Second},
		Surfaces: Surfaces{
			Protocols: on, Gateway: on, TokenFactory: on, Yuanjing: on, ConsoleAdmin: on, Drawing: on, Console: on,
		},
	}
}
