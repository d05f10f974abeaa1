# `cargo` on the PATH is usually rustup's proxy: it looks for its toolchains in $HOME/.rustup.
# Under another HOME (an empty one, or root's under sudo) it finds none, although they are
# beside it. So where RUSTUP_HOME is unset and HOME holds no .rustup, take the one beside the proxy,
# and the registry cache and settings of that CARGO_HOME too, if it may be written.

_cargo := $(shell command -v cargo 2>/dev/null)
ifneq ($(_cargo),)
ifeq ($(RUSTUP_HOME)$(wildcard $(HOME)/.rustup),)
_cargo_home := $(patsubst %/bin/cargo,%,$(_cargo))
_rustup_home := $(wildcard $(dir $(_cargo_home)).rustup)
ifneq ($(_rustup_home),)
export RUSTUP_HOME := $(_rustup_home)
ifeq ($(CARGO_HOME)$(wildcard $(HOME)/.cargo),)
export CARGO_HOME := $(shell test -w $(_cargo_home) && echo $(_cargo_home) || echo $(HOME)/.cargo)
endif
endif
endif
endif
