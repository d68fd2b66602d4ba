//! The identity of the builder, from the environment variables of CI services.

use kit_core::VERSION;
use kit_core::provenance::Builder;

/// The workflow and its run according to `variable`; both are `None` outside of a known CI service.
///
/// None of these values is a secret: they are URLs that the services show to everyone who can read the repository.
pub(super) fn builder(variable: &impl Fn(&str) -> Option<String>) -> Builder {
    let version = VERSION.to_owned();
    let services = [github(variable), gitlab(variable), buildkite(variable), jenkins(variable)];
    let (id, run) = services.into_iter().flatten().next().unzip();
    Builder { id, run, version }
}

/// docs.github.com, "Variables reference".
fn github(variable: &impl Fn(&str) -> Option<String>) -> Option<(String, String)> {
    let (server, repository) = (variable("GITHUB_SERVER_URL")?, variable("GITHUB_REPOSITORY")?);
    let (run, attempt) = (variable("GITHUB_RUN_ID")?, variable("GITHUB_RUN_ATTEMPT").unwrap_or_else(|| "1".to_owned()));
    let workflow = variable("GITHUB_WORKFLOW_REF").unwrap_or_else(|| repository.clone());
    Some((format!("{server}/{workflow}"), format!("{server}/{repository}/actions/runs/{run}/attempts/{attempt}")))
}

/// docs.gitlab.com, "Predefined CI/CD variables"; the id is that of the provenance that its own runner writes.
fn gitlab(variable: &impl Fn(&str) -> Option<String>) -> Option<(String, String)> {
    variable("GITLAB_CI")?;
    Some((format!("{}/-/runners/{}", variable("CI_PROJECT_URL")?, variable("CI_RUNNER_ID")?), variable("CI_JOB_URL")?))
}

/// buildkite.com/docs, "Environment variables".
fn buildkite(variable: &impl Fn(&str) -> Option<String>) -> Option<(String, String)> {
    let pipeline = format!("{}/{}", variable("BUILDKITE_ORGANIZATION_SLUG")?, variable("BUILDKITE_PIPELINE_SLUG")?);
    Some((format!("https://buildkite.com/{pipeline}"), variable("BUILDKITE_BUILD_URL")?))
}

/// jenkins.io, "Using environment variables".
fn jenkins(variable: &impl Fn(&str) -> Option<String>) -> Option<(String, String)> {
    Some((variable("JENKINS_URL")?, variable("BUILD_URL")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(variables: &[(&str, &str)], id: Option<&str>, run: Option<&str>) {
        let found =
            builder(&|name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()));
        assert_eq!((found.id.as_deref(), found.run.as_deref()), (id, run), "{variables:?}");
    }

    #[test]
    fn each_ci_service_is_identified_by_its_variables() {
        let github = [
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_REPOSITORY", "team/model"),
            ("GITHUB_RUN_ID", "7"),
            ("GITHUB_RUN_ATTEMPT", "2"),
            ("GITHUB_WORKFLOW_REF", "team/model/.github/workflows/pack.yml@refs/heads/main"),
        ];
        let workflow = "https://github.com/team/model/.github/workflows/pack.yml@refs/heads/main";
        check(&github, Some(workflow), Some("https://github.com/team/model/actions/runs/7/attempts/2"));
        check(
            &github[..3],
            Some("https://github.com/team/model"),
            Some("https://github.com/team/model/actions/runs/7/attempts/1"),
        );
        check(&github[..2], None, None);
        let gitlab = [
            ("GITLAB_CI", "true"),
            ("CI_PROJECT_URL", "https://gitlab.com/a/b"),
            ("CI_RUNNER_ID", "3"),
            ("CI_JOB_URL", "https://gitlab.com/a/b/-/jobs/9"),
        ];
        check(&gitlab, Some("https://gitlab.com/a/b/-/runners/3"), Some("https://gitlab.com/a/b/-/jobs/9"));
        let buildkite = [
            ("BUILDKITE_ORGANIZATION_SLUG", "a"),
            ("BUILDKITE_PIPELINE_SLUG", "b"),
            ("BUILDKITE_BUILD_URL", "https://buildkite.com/a/b/builds/1"),
        ];
        check(&buildkite, Some("https://buildkite.com/a/b"), Some("https://buildkite.com/a/b/builds/1"));
        let jenkins = [("JENKINS_URL", "https://ci.example/"), ("BUILD_URL", "https://ci.example/job/a/1/")];
        check(&jenkins, Some("https://ci.example/"), Some("https://ci.example/job/a/1/"));
        check(&[], None, None);
    }
}
