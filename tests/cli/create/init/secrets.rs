//! Files with the names of secrets, which `kit init` leaves out.

use expect_test::expect;
use kit_testkit::sandbox::Sandbox;

#[test]
fn secrets_are_listed_in_the_kitignore_and_not_in_the_kitfile() {
    let sandbox = Sandbox::new();
    for path in
        ["model.bin", "credentials.json", "src/client_secret_1.json", "src/a.py", "prod.env", ".env", "tls [1].key"]
    {
        sandbox.write(&format!("p/{path}"), "x");
    }
    sandbox.kit(&["init", "p"]).ok().says("Saved .kitignore (files that `kit pack` skips)\n");
    expect![[r#"
        # Files that `kit pack` leaves out, in the syntax of .dockerignore.
        **/.env*
        !**/.env.example
        mlruns
        wandb

        # Files whose names are those of secrets:
        credentials.json
        prod.env
        src/client_secret_1.json
        tls??1?.key
    "#]]
    .assert_eq(&sandbox.read("p/.kitignore"));
    expect![[r#"
        manifestVersion: 1.0.0
        package:
          name: p
        model:
          name: model
          path: model.bin
        code:
          - path: src
    "#]]
    .assert_eq(&sandbox.read("p/Kitfile"));
    let run = sandbox.kit(&["pack", "p", "-t", "a:v1"]).ok();
    assert!(!run.stderr.contains("secret"), "{}", run.stderr);
    let listed = sandbox.kit(&["ls", "a:v1", "--format", "{{.path}}"]).ok().stdout;
    assert!(!listed.contains("secret") && listed.contains("src/a.py"), "{listed}");
}
