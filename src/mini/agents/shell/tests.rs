use std::time::Duration;

use tokio::time::Instant;

use super::*;
use files::Tree;
use pipe::{Sink, Source, pipe};

fn machine() -> Arc<Machine> {
    let root = Tree::default();
    root.put(
        "/etc/hosts",
        "127.0.0.1\tlocalhost\n10.244.1.6\tweb-0.nginx.default.svc.cluster.local\tweb-0\n",
    );
    root.make_directories("/tmp");
    let network = Network::new();
    let environment = [("HOME", "/root"), ("NAME", "it's me"), ("EMPTY", "")];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Arc::new(Machine {
        files: Files::new(root, Vec::new()),
        environment: environment.into(),
        directory: "/".to_owned(),
        hostname: "web-0".to_owned(),
        address: IpAddr::from([10, 244, 1, 6]),
        user: 0,
        network,
        clock: Clock::starting_at("2026-01-01T00:00:00Z".parse().expect("a time")),
        processes: Processes::default(),
        image: Image {
            command: vec!["sh".to_owned()],
            programs: vec!["nginx".to_owned()],
            unknown: false,
            ports: vec![80],
            documents: Some("/html".to_owned()),
            old_nslookup: true,
        },
    })
}

/// Runs a program to its end: exit code, standard output, standard error.
async fn run_in(machine: &Arc<Machine>, argv: &[&str], input: &str) -> (i32, String, String) {
    let argv: Vec<String> = argv.iter().map(|arg| (*arg).to_owned()).collect();
    let ((out, read_out), (err, read_err)) = (pipe(), pipe());
    let io = Io {
        stdin: Source::bytes(input.as_bytes().to_vec()),
        stdout: Sink::Pipe(out),
        stderr: Sink::Pipe(err),
    };
    let process = machine.processes.enter(&argv);
    let work = async move {
        let code = run(machine, &process, &argv, &io, false).await;
        drop(io);
        code
    };
    let (read_out, read_err) = (Source::Pipe(read_out), Source::Pipe(read_err));
    let (code, out, err) = futures::join!(work, read_out.read_all(), read_err.read_all());
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (code, text(out), text(err))
}

async fn sh(script: &str) -> (i32, String) {
    let (code, out, _) = run_in(&machine(), &["sh", "-c", script], "").await;
    (code, out)
}

#[tokio::test(start_paused = true)]
async fn scripts_and_what_they_write() {
    let table = [
        ("echo hello; echo bye; exit 3", 3, "hello\nbye\n"),
        (
            "echo \"$NAME\" '$NAME' \\$NAME ${EMPTY:-none} ${MISSING-gone}",
            0,
            "it's me $NAME $NAME none gone\n",
        ),
        (
            "for i in $NAME; do printf '<%s>' $i; done; printf '<%s>' \"$NAME\"",
            0,
            "<it's><me><it's me>",
        ),
        ("false && echo a || echo b; true && echo c", 0, "b\nc\n"),
        ("false; echo $?", 0, "1\n"),
        ("x=$(echo a; echo b); echo \"$x\" | wc -l", 0, "2\n"),
        (
            "echo one > /tmp/f; echo two >> /tmp/f; cat < /tmp/f; cat /tmp/f | tail -n 1",
            0,
            "one\ntwo\ntwo\n",
        ),
        (
            "if [ -f /tmp/x ]; then echo yes; elif [ 2 -gt 1 ]; then echo maybe; else echo no; fi",
            0,
            "maybe\n",
        ),
        (
            "i=0; while [ $i -lt 3 ]; do i=$((i + 1)); [ $i -eq 2 ] && continue; echo $i; done",
            0,
            "1\n3\n",
        ),
        ("until false; do break; done; echo out", 0, "out\n"),
        (
            "case web-12 in *-0) echo zero;; web-[0-9]*) echo web;; esac",
            0,
            "web\n",
        ),
        (
            "h=web-12; echo ${h##*-} ${h%-*} ${#h} ${h#w}",
            0,
            "12 web 6 eb-12\n",
        ),
        (
            "f() { echo \"$1-$#\"; return 4; }; f a b; echo $?",
            0,
            "a-2\n4\n",
        ),
        (
            "set -- a 'b c'; for x in \"$@\"; do echo \"[$x]\"; done; shift; echo $1",
            0,
            "[a]\n[b c]\nb c\n",
        ),
        (
            "cat <<EOF\nhello $HOSTNAME${HOME}\nEOF\necho after",
            0,
            "hello /root\nafter\n",
        ),
        ("cat <<'EOF' | grep b\na $x\nb $x\nEOF", 0, "b $x\n"),
        ("(cd /tmp; pwd); pwd", 0, "/tmp\n/\n"),
        ("{ echo a; echo b >&2; } 2>/dev/null", 0, "a\n"),
        ("ls /none 2>&1", 1, "ls: /none: No such file or directory\n"),
        ("! true; echo $?", 0, "1\n"),
        ("set -e; false; echo no", 1, ""),
        (
            "set -e; if false; then :; fi; false || true; echo yes",
            0,
            "yes\n",
        ),
        ("nothing-like-it", 127, ""),
        ("trap 'echo bye' EXIT; echo hi; exit 2", 2, "hi\nbye\n"),
        ("A=1 env | grep ^A; echo ${A:-unset}", 0, "A=1\nunset\n"),
        ("export B=2; sh -c 'echo $B $0 $1' x y", 0, "2 x y\n"),
        (
            "mkdir -p /a/b && cd /a && touch b/f && ls b && rm -r b && ls",
            0,
            "f\n",
        ),
        (
            "echo a > /tmp/1; echo b > /tmp/2; echo /tmp/* \"/tmp/*\"",
            0,
            "/tmp/1 /tmp/2 /tmp/*\n",
        ),
        (
            "hostname; hostname -f",
            0,
            "web-0\nweb-0.nginx.default.svc.cluster.local\n",
        ),
        (
            "seq 3 | sed 's/2/two/' | sort -r | head -n 2",
            0,
            "two\n3\n",
        ),
        (
            "echo a:b:c | cut -d: -f2-; echo abc | tr a-c A-C",
            0,
            "b:c\nABC\n",
        ),
        (
            "printf '%s=%03d\\n' a 1 b 2; echo -n x; echo -e 'y\\tz'",
            0,
            "a=001\nb=002\nxy\tz\n",
        ),
        ("yes | head -n 2; echo ${x:=set} $x", 0, "y\ny\nset set\n"),
        (
            "date +%s; date -u +%Y-%m-%d; id -u; whoami",
            0,
            "1767225600\n2026-01-01\n0\nroot\n",
        ),
        (
            "echo $(( (1 + 2) * 3 % 4 )) $((1 < 2 && 3 != 3))",
            0,
            "1 0\n",
        ),
        (
            "eval 'echo a'; . /tmp/none 2>/dev/null; type sh >/dev/null && command -v ls",
            0,
            "a\nls\n",
        ),
        (
            "read a b <<E\none two three\nE\necho \"$b\"",
            0,
            "two three\n",
        ),
        ("kill -TERM $$; echo no", 143, ""),
        ("exec echo done; echo no", 0, "done\n"),
        ("# nothing\necho a # b\n\n\necho c;", 0, "a\nc\n"),
        ("[ \"\" = x ] || [ -n y ] && echo ok", 0, "ok\n"),
        (
            "echo 'a b' | while read x y; do echo $y $x; done",
            0,
            "b a\n",
        ),
        (
            "grep -q root /etc/none 2>/dev/null || echo none; echo abc | grep -o b",
            0,
            "none\nb\n",
        ),
    ];
    for (script, code, out) in table {
        // As a child, not as process 1: signals end it.
        let machine = machine();
        machine.processes.enter(&["sleep".to_owned()]);
        let (seen, written, _) = run_in(&machine, &["sh", "-c", script], "").await;
        assert_eq!((seen, written.as_str()), (code, out), "{script}");
    }
}

#[tokio::test(start_paused = true)]
async fn wrong_scripts_are_told_of() {
    for script in [
        "if true; then",
        "echo )",
        "fi",
        "for in x",
        "echo 'a",
        "a | | b",
    ] {
        let (code, _, err) = run_in(&machine(), &["sh", "-c", script], "").await;
        assert_eq!(code, 2, "{script}");
        assert!(err.contains("syntax error"), "{script}: {err}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_listed_command_exists() {
    let machine = machine();
    let process = machine.processes.enter(&[]);
    let io = Io::nothing();
    let call = Call {
        machine: &machine,
        process: &process,
        io: &io,
        directory: "/",
        environment: &machine.environment,
    };
    for name in COMMANDS.iter().chain(&MORE_COMMANDS) {
        assert!(start(name, call, &[]).is_some(), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn sleep_takes_the_clusters_time_and_a_shell_waits_for_its_jobs() {
    let start = Instant::now();
    let (code, out) = sh("sleep 2 & sleep 1; echo one; wait; echo two; timeout 5 sleep 1000").await;
    assert_eq!((code, out.as_str()), (143, "one\ntwo\n"));
    assert_eq!(start.elapsed().as_secs(), 7);
}

/// Starts a program as process 1, sends TERM after ten seconds, and tells when it ended within a minute, and how.
async fn ends_on_term(argv: &[&str]) -> Option<(u64, i32)> {
    let machine = machine();
    let argv: Vec<String> = argv.iter().map(|arg| (*arg).to_owned()).collect();
    let process = machine.processes.enter(&argv);
    let started = Instant::now();
    let signal = async {
        tokio::time::sleep(Duration::from_secs(10)).await;
        process.send(Signal::Terminate);
        std::future::pending::<()>().await;
    };
    let io = Io::nothing();
    tokio::select! {
        biased;
        code = run(&machine, &process, &argv, &io, false) => Some((started.elapsed().as_secs(), code)),
        () = signal => None,
        () = tokio::time::sleep(Duration::from_secs(60)) => None,
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_process_ends_on_term_only_if_it_handles_it() {
    assert_eq!(ends_on_term(&["sleep", "3600"]).await, None);
    assert_eq!(ends_on_term(&["sh", "-c", "sleep 3600"]).await, None);
    assert_eq!(
        ends_on_term(&["sh", "-c", "trap 'exit 0' TERM; sleep 3600"]).await,
        None
    );
    assert_eq!(
        ends_on_term(&["sh", "-c", "trap 'exit 5' TERM; sleep 3600 & wait"]).await,
        Some((10, 5))
    );
    let looping = "trap 'echo; exit 0' TERM; while true; do sleep 3; done";
    assert_eq!(ends_on_term(&["sh", "-c", looping]).await, Some((12, 0)));
    assert_eq!(ends_on_term(&["nginx"]).await, Some((10, 0)));
    assert_eq!(
        ends_on_term(&["sh", "-c", "exec nginx"]).await,
        Some((10, 0))
    );
}

#[tokio::test(start_paused = true)]
async fn a_container_can_be_asked_over_http_by_itself() {
    let machine = machine();
    let argv = ["nginx".to_owned()];
    let process = machine.processes.enter(&argv);
    let io = Io::nothing();
    let asks = async {
        tokio::task::yield_now().await;
        let script = "mkdir /html; wget -qO- localhost; echo hi > /html/index.html; curl -s http://10.244.1.6/";
        run_in(&machine, &["sh", "-c", script], "").await
    };
    let (code, out, err) = tokio::select! {
        biased;
        _ = run(&machine, &process, &argv, &io, false) => unreachable!("it serves for ever"),
        answer = asks => answer,
    };
    assert_eq!((code, out.as_str()), (0, "hi\n"));
    assert!(err.contains("403 Forbidden"), "{err}");
    let (code, _, err) = run_in(&machine, &["nc", "10.244.1.6", "81"], "").await;
    assert_eq!(
        (code, err.as_str()),
        (
            1,
            "nc: can't connect to remote host (10.244.1.6): No route to host\n"
        )
    );
}

#[tokio::test(start_paused = true)]
async fn a_terminal_shows_what_is_typed_and_a_prompt() {
    let machine = machine();
    machine.processes.enter(&[]);
    let argv = ["sh".to_owned()];
    let process = machine.processes.enter(&argv);
    let ((out, screen), (lines, stdin)) = (pipe(), pipe());
    let (sink, showing) = terminal::shown_on(Sink::Pipe(out.clone()));
    let typing = terminal::cook(
        Source::bytes(b"echo hix\x7f\rif true\rthen hostname; fi\rexit 3\r".to_vec()),
        lines,
        Sink::Pipe(out),
        process.clone(),
    );
    let work = async {
        let io = Io {
            stdin: Source::Pipe(stdin),
            stdout: sink.clone(),
            stderr: sink,
        };
        run(&machine, &process, &argv, &io, true).await
    };
    let source = Source::Pipe(screen);
    let (code, _, (), seen) = futures::join!(work, typing, showing, source.read_all());
    let seen = String::from_utf8(seen).expect("text");
    assert_eq!(code, 3);
    for part in ["/ # ", "echo hix\x08 \x08\r\n", "hi\r\n", "> ", "web-0\r\n"] {
        assert!(seen.contains(part), "{part:?} in {seen:?}");
    }
}
