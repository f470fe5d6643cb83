//! The combinations that [`crate::escalations`] knows: names stay, rows may be added.

/// A combination of permissions by which its holder gains others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Combination {
    /// Its name, which stays.
    pub name: &'static str,
    /// All of these are needed.
    pub actions: &'static [&'static str],
    /// What its holder does, to follow "the role".
    pub how: &'static str,
    /// A page that tells of it or of its like.
    pub source: &'static str,
}

impl Combination {
    /// The services that take the role which is passed, any of which will do; none: it passes no role.
    pub fn passed_to(&self) -> Vec<&'static str> {
        if !self.actions.contains(&"iam:PassRole") {
            return Vec::new();
        }
        let users = self
            .actions
            .iter()
            .filter_map(|action| action.split_once(':'));
        let mut services: Vec<&str> = users
            .flat_map(|(prefix, _)| {
                let taking = TAKE_ROLES.iter().find(|(of, _)| *of == prefix);
                taking
                    .map_or(&[][..], |(_, services)| services)
                    .iter()
                    .copied()
            })
            .collect();
        services.sort_unstable();
        services.dedup();
        services
    }
}

/// Which services take the role that a call with this prefix passes. Source: Service Authorization
/// Reference, `iam:PassedToService`, and the trust policies that each service's guide shows for its roles
/// (read 2026-11-30).
const TAKE_ROLES: &[(&str, &[&str])] = &[
    (
        "apprunner",
        &[
            "build.apprunner.amazonaws.com",
            "tasks.apprunner.amazonaws.com",
        ],
    ),
    ("autoscaling", &["ec2.amazonaws.com"]),
    ("batch", &["ecs-tasks.amazonaws.com", "batch.amazonaws.com"]),
    ("bedrock-agentcore", &["bedrock-agentcore.amazonaws.com"]),
    ("cloudformation", &["cloudformation.amazonaws.com"]),
    ("codebuild", &["codebuild.amazonaws.com"]),
    ("cognito-identity", &["cognito-identity.amazonaws.com"]),
    (
        "datapipeline",
        &[
            "datapipeline.amazonaws.com",
            "elasticmapreduce.amazonaws.com",
            "ec2.amazonaws.com",
        ],
    ),
    ("ec2", &["ec2.amazonaws.com"]),
    ("ecs", &["ecs-tasks.amazonaws.com"]),
    (
        "elasticmapreduce",
        &["elasticmapreduce.amazonaws.com", "ec2.amazonaws.com"],
    ),
    ("eks", &["pods.eks.amazonaws.com"]),
    ("emr-serverless", &["emr-serverless.amazonaws.com"]),
    ("glue", &["glue.amazonaws.com"]),
    ("imagebuilder", &["ec2.amazonaws.com"]),
    ("lambda", &["lambda.amazonaws.com"]),
    ("rolesanywhere", &["rolesanywhere.amazonaws.com"]),
    ("sagemaker", &["sagemaker.amazonaws.com"]),
    ("scheduler", &["scheduler.amazonaws.com"]),
    ("ssm", &["ssm.amazonaws.com"]),
    ("states", &["states.amazonaws.com"]),
];

const RHINO: &str =
    "https://rhinosecuritylabs.com/aws/aws-privilege-escalation-methods-mitigation/";
const HACKING: &str = "https://hackingthe.cloud/aws/exploitation/iam_privilege_escalation/";
const PATHFINDING: &str = "https://pathfinding.cloud/";
const SSO: &str =
    "https://docs.aws.amazon.com/singlesignon/latest/userguide/iam-auth-access-overview.html";
const EKS: &str = "https://docs.aws.amazon.com/eks/latest/userguide/access-entries.html";

/// All known combinations.
pub const COMBINATIONS: &[Combination] = &[
    Combination {
        name: "create-policy-version",
        actions: &["iam:CreatePolicyVersion"],
        how: "writes a new version of a policy that is attached to it, and makes it the default",
        source: RHINO,
    },
    Combination {
        name: "set-default-policy-version",
        actions: &["iam:SetDefaultPolicyVersion"],
        how: "puts an older version of a policy with more permissions in force",
        source: RHINO,
    },
    Combination {
        name: "create-access-key",
        actions: &["iam:CreateAccessKey"],
        how: "makes an access key for a user with more permissions",
        source: RHINO,
    },
    Combination {
        name: "create-login-profile",
        actions: &["iam:CreateLoginProfile"],
        how: "sets a console password for a user who has none",
        source: RHINO,
    },
    Combination {
        name: "update-login-profile",
        actions: &["iam:UpdateLoginProfile"],
        how: "changes the console password of a user",
        source: RHINO,
    },
    Combination {
        name: "attach-user-policy",
        actions: &["iam:AttachUserPolicy"],
        how: "attaches any managed policy to a user",
        source: RHINO,
    },
    Combination {
        name: "attach-group-policy",
        actions: &["iam:AttachGroupPolicy"],
        how: "attaches any managed policy to a group",
        source: RHINO,
    },
    Combination {
        name: "attach-role-policy",
        actions: &["iam:AttachRolePolicy"],
        how: "attaches any managed policy to a role, to itself too",
        source: RHINO,
    },
    Combination {
        name: "put-user-policy",
        actions: &["iam:PutUserPolicy"],
        how: "writes any inline policy onto a user",
        source: RHINO,
    },
    Combination {
        name: "put-group-policy",
        actions: &["iam:PutGroupPolicy"],
        how: "writes any inline policy onto a group",
        source: RHINO,
    },
    Combination {
        name: "put-role-policy",
        actions: &["iam:PutRolePolicy"],
        how: "writes any inline policy onto a role, onto itself too",
        source: RHINO,
    },
    Combination {
        name: "add-user-to-group",
        actions: &["iam:AddUserToGroup"],
        how: "adds a user to a group with more permissions",
        source: RHINO,
    },
    Combination {
        name: "update-trust-policy",
        actions: &["iam:UpdateAssumeRolePolicy"],
        how: "lets itself into any role by rewriting its trust policy",
        source: RHINO,
    },
    Combination {
        name: "service-specific-credential",
        actions: &["iam:CreateServiceSpecificCredential"],
        how: "makes a service's password for another user",
        source: HACKING,
    },
    Combination {
        name: "reset-service-specific-credential",
        actions: &["iam:ResetServiceSpecificCredential"],
        how: "takes over a service's password of another user",
        source: HACKING,
    },
    Combination {
        name: "update-saml-provider",
        actions: &["iam:UpdateSAMLProvider"],
        how: "replaces an identity provider's metadata with its own, and signs in as anybody",
        source: HACKING,
    },
    Combination {
        name: "delete-role-boundary",
        actions: &["iam:DeleteRolePermissionsBoundary"],
        how: "takes the permissions boundary off a role, off itself too",
        source: HACKING,
    },
    Combination {
        name: "put-role-boundary",
        actions: &["iam:PutRolePermissionsBoundary"],
        how: "replaces the permissions boundary of a role, its own too",
        source: HACKING,
    },
    Combination {
        name: "delete-user-boundary",
        actions: &["iam:DeleteUserPermissionsBoundary"],
        how: "takes the permissions boundary off a user",
        source: HACKING,
    },
    Combination {
        name: "pass-role-ec2",
        actions: &["iam:PassRole", "ec2:RunInstances"],
        how: "starts an instance with another role and takes its credentials",
        source: RHINO,
    },
    Combination {
        name: "pass-role-ec2-spot",
        actions: &["iam:PassRole", "ec2:RequestSpotInstances"],
        how: "starts a spot instance with another role and takes its credentials",
        source: HACKING,
    },
    Combination {
        name: "instance-profile-association",
        actions: &["iam:PassRole", "ec2:AssociateIamInstanceProfile"],
        how: "gives an instance another role",
        source: HACKING,
    },
    Combination {
        name: "instance-profile-replacement",
        actions: &["iam:PassRole", "ec2:ReplaceIamInstanceProfileAssociation"],
        how: "replaces the role of an instance",
        source: HACKING,
    },
    Combination {
        name: "pass-role-launch-configuration",
        actions: &[
            "iam:PassRole",
            "autoscaling:CreateLaunchConfiguration",
            "autoscaling:CreateAutoScalingGroup",
        ],
        how: "starts instances with another role through an Auto Scaling group",
        source: HACKING,
    },
    Combination {
        name: "pass-role-launch-template",
        actions: &[
            "iam:PassRole",
            "ec2:CreateLaunchTemplate",
            "autoscaling:CreateAutoScalingGroup",
        ],
        how: "starts instances with another role through a launch template",
        source: HACKING,
    },
    Combination {
        name: "pass-role-lambda-invoke",
        actions: &[
            "iam:PassRole",
            "lambda:CreateFunction",
            "lambda:InvokeFunction",
        ],
        how: "makes a function with another role and calls it",
        source: RHINO,
    },
    Combination {
        name: "pass-role-lambda-event-source",
        actions: &[
            "iam:PassRole",
            "lambda:CreateFunction",
            "lambda:CreateEventSourceMapping",
        ],
        how: "makes a function with another role, called by a stream",
        source: RHINO,
    },
    Combination {
        name: "pass-role-lambda-permission",
        actions: &[
            "iam:PassRole",
            "lambda:CreateFunction",
            "lambda:AddPermission",
        ],
        how: "makes a function with another role and lets another account call it",
        source: HACKING,
    },
    Combination {
        name: "lambda-code",
        actions: &["lambda:UpdateFunctionCode"],
        how: "replaces the code of a function and acts as its role",
        source: RHINO,
    },
    Combination {
        name: "lambda-configuration",
        actions: &["lambda:UpdateFunctionConfiguration"],
        how: "puts a layer with its own code under a function and acts as its role",
        source: RHINO,
    },
    Combination {
        name: "pass-role-cloudformation",
        actions: &["iam:PassRole", "cloudformation:CreateStack"],
        how: "makes a stack that acts as another role",
        source: RHINO,
    },
    Combination {
        name: "cloudformation-update",
        actions: &["cloudformation:UpdateStack"],
        how: "changes the template of a stack that acts as another role",
        source: HACKING,
    },
    Combination {
        name: "cloudformation-change-set",
        actions: &[
            "cloudformation:CreateChangeSet",
            "cloudformation:ExecuteChangeSet",
        ],
        how: "changes a stack that acts as another role",
        source: HACKING,
    },
    Combination {
        name: "pass-role-stack-set",
        actions: &[
            "iam:PassRole",
            "cloudformation:CreateStackSet",
            "cloudformation:CreateStackInstances",
        ],
        how: "makes stacks that act as another role",
        source: HACKING,
    },
    Combination {
        name: "pass-role-data-pipeline",
        actions: &[
            "iam:PassRole",
            "datapipeline:CreatePipeline",
            "datapipeline:PutPipelineDefinition",
            "datapipeline:ActivatePipeline",
        ],
        how: "runs a pipeline as another role",
        source: RHINO,
    },
    Combination {
        name: "pass-role-glue-endpoint",
        actions: &["iam:PassRole", "glue:CreateDevEndpoint"],
        how: "makes a development endpoint with another role",
        source: RHINO,
    },
    Combination {
        name: "glue-endpoint",
        actions: &["glue:UpdateDevEndpoint"],
        how: "puts its own key on a development endpoint and acts as its role",
        source: RHINO,
    },
    Combination {
        name: "pass-role-glue-job",
        actions: &["iam:PassRole", "glue:CreateJob", "glue:StartJobRun"],
        how: "runs a job as another role",
        source: HACKING,
    },
    Combination {
        name: "pass-role-glue-job-update",
        actions: &["iam:PassRole", "glue:UpdateJob", "glue:StartJobRun"],
        how: "changes a job and runs it as another role",
        source: HACKING,
    },
    Combination {
        name: "pass-role-glue-trigger",
        actions: &["iam:PassRole", "glue:CreateJob", "glue:CreateTrigger"],
        how: "makes a job with another role, started by a trigger",
        source: HACKING,
    },
    Combination {
        name: "pass-role-codebuild",
        actions: &[
            "iam:PassRole",
            "codebuild:CreateProject",
            "codebuild:StartBuild",
        ],
        how: "builds as another role",
        source: HACKING,
    },
    Combination {
        name: "pass-role-codebuild-update",
        actions: &[
            "iam:PassRole",
            "codebuild:UpdateProject",
            "codebuild:StartBuild",
        ],
        how: "gives a build project another role",
        source: HACKING,
    },
    Combination {
        name: "codebuild-override",
        actions: &["codebuild:StartBuild"],
        how: "runs its own commands in a build, which acts as the project's role",
        source: HACKING,
    },
    Combination {
        name: "pass-role-sagemaker-notebook",
        actions: &[
            "iam:PassRole",
            "sagemaker:CreateNotebookInstance",
            "sagemaker:CreatePresignedNotebookInstanceUrl",
        ],
        how: "opens a notebook with another role",
        source: RHINO,
    },
    Combination {
        name: "sagemaker-notebook",
        actions: &["sagemaker:CreatePresignedNotebookInstanceUrl"],
        how: "opens a notebook that is there and acts as its role",
        source: RHINO,
    },
    Combination {
        name: "pass-role-sagemaker-training",
        actions: &["iam:PassRole", "sagemaker:CreateTrainingJob"],
        how: "trains in its own container as another role",
        source: HACKING,
    },
    Combination {
        name: "pass-role-sagemaker-processing",
        actions: &["iam:PassRole", "sagemaker:CreateProcessingJob"],
        how: "runs its own container as another role",
        source: HACKING,
    },
    Combination {
        name: "pass-role-ecs-task",
        actions: &["iam:PassRole", "ecs:RegisterTaskDefinition", "ecs:RunTask"],
        how: "runs a container as another role",
        source: HACKING,
    },
    Combination {
        name: "pass-role-ecs-service",
        actions: &[
            "iam:PassRole",
            "ecs:RegisterTaskDefinition",
            "ecs:CreateService",
        ],
        how: "runs a service of containers as another role",
        source: HACKING,
    },
    Combination {
        name: "pass-role-ecs-service-update",
        actions: &[
            "iam:PassRole",
            "ecs:RegisterTaskDefinition",
            "ecs:UpdateService",
        ],
        how: "replaces the containers of a service, as another role",
        source: HACKING,
    },
    Combination {
        name: "ecs-execute-command",
        actions: &["ecs:ExecuteCommand"],
        how: "runs commands in a container and acts as its role",
        source: HACKING,
    },
    Combination {
        name: "pass-role-step-functions",
        actions: &[
            "iam:PassRole",
            "states:CreateStateMachine",
            "states:StartExecution",
        ],
        how: "runs a state machine as another role",
        source: HACKING,
    },
    Combination {
        name: "step-functions-update",
        actions: &["states:UpdateStateMachine", "states:StartExecution"],
        how: "changes a state machine and acts as its role",
        source: HACKING,
    },
    Combination {
        name: "pass-role-app-runner",
        actions: &["iam:PassRole", "apprunner:CreateService"],
        how: "runs its own container as another role",
        source: HACKING,
    },
    Combination {
        name: "pass-role-batch",
        actions: &[
            "iam:PassRole",
            "batch:RegisterJobDefinition",
            "batch:SubmitJob",
        ],
        how: "runs a job's container as another role",
        source: HACKING,
    },
    Combination {
        name: "pass-role-scheduler",
        actions: &["iam:PassRole", "scheduler:CreateSchedule"],
        how: "calls any API as another role, on a schedule",
        source: HACKING,
    },
    Combination {
        name: "pass-role-automation",
        actions: &["iam:PassRole", "ssm:StartAutomationExecution"],
        how: "runs an automation as another role",
        source: HACKING,
    },
    Combination {
        name: "pass-role-emr",
        actions: &["iam:PassRole", "elasticmapreduce:RunJobFlow"],
        how: "starts a cluster with another role",
        source: HACKING,
    },
    Combination {
        name: "pass-role-code-interpreter",
        actions: &[
            "iam:PassRole",
            "bedrock-agentcore:CreateCodeInterpreter",
            "bedrock-agentcore:StartCodeInterpreterSession",
            "bedrock-agentcore:InvokeCodeInterpreter",
        ],
        how: "runs code as another role",
        source: HACKING,
    },
    Combination {
        name: "pass-role-identity-pool",
        actions: &["iam:PassRole", "cognito-identity:SetIdentityPoolRoles"],
        how: "gives an identity pool's users another role",
        source: HACKING,
    },
    Combination {
        name: "ssm-send-command",
        actions: &["ssm:SendCommand"],
        how: "runs commands on instances and acts as their roles",
        source: HACKING,
    },
    Combination {
        name: "ssm-session",
        actions: &["ssm:StartSession"],
        how: "opens a shell on instances and acts as their roles",
        source: HACKING,
    },
    Combination {
        name: "instance-connect",
        actions: &["ec2-instance-connect:SendSSHPublicKey"],
        how: "puts its own key on an instance and acts as its role",
        source: HACKING,
    },
    Combination {
        name: "instance-user-data",
        actions: &[
            "ec2:ModifyInstanceAttribute",
            "ec2:StopInstances",
            "ec2:StartInstances",
        ],
        how: "rewrites what an instance runs at its start and acts as its role",
        source: HACKING,
    },
    Combination {
        name: "permission-set-inline",
        actions: &[
            "sso:PutInlinePolicyToPermissionSet",
            "sso:ProvisionPermissionSet",
        ],
        how: "writes any policy into a permission set of IAM Identity Center",
        source: SSO,
    },
    Combination {
        name: "permission-set-managed",
        actions: &[
            "sso:AttachManagedPolicyToPermissionSet",
            "sso:ProvisionPermissionSet",
        ],
        how: "attaches any policy to a permission set of IAM Identity Center",
        source: SSO,
    },
    Combination {
        name: "account-assignment",
        actions: &["sso:CreateAccountAssignment"],
        how: "gives somebody a permission set in an account",
        source: SSO,
    },
    Combination {
        name: "eks-access-entry",
        actions: &["eks:CreateAccessEntry", "eks:AssociateAccessPolicy"],
        how: "makes itself administrator of a Kubernetes cluster and acts as its workloads",
        source: EKS,
    },
    Combination {
        name: "roles-anywhere",
        actions: &[
            "iam:PassRole",
            "rolesanywhere:CreateTrustAnchor",
            "rolesanywhere:CreateProfile",
        ],
        how: "lets its own certificates into a role",
        source: HACKING,
    },
    Combination {
        name: "pass-role-ecs-task-override",
        actions: &["iam:PassRole", "ecs:RunTask"],
        how: "runs a container that is there with its own command and another role",
        source: PATHFINDING,
    },
    Combination {
        name: "pass-role-ecs-start-task-override",
        actions: &["iam:PassRole", "ecs:StartTask"],
        how: "starts a container that is there with its own command and another role",
        source: PATHFINDING,
    },
    Combination {
        name: "pass-role-emr-serverless",
        actions: &["iam:PassRole", "emr-serverless:StartJobRun"],
        how: "runs its own code as another role",
        source: PATHFINDING,
    },
    Combination {
        name: "emr-step",
        actions: &["elasticmapreduce:AddJobFlowSteps"],
        how: "runs commands on a cluster that is there and acts as its role",
        source: PATHFINDING,
    },
    Combination {
        name: "pass-role-glue-session",
        actions: &["iam:PassRole", "glue:CreateSession", "glue:RunStatement"],
        how: "runs statements in a session with another role",
        source: PATHFINDING,
    },
    Combination {
        name: "pass-role-lambda-url",
        actions: &[
            "iam:PassRole",
            "lambda:CreateFunction",
            "lambda:CreateFunctionUrlConfig",
            "lambda:InvokeFunctionUrl",
        ],
        how: "makes a function with another role and calls it by its URL",
        source: PATHFINDING,
    },
    Combination {
        name: "launch-template-version",
        actions: &[
            "ec2:CreateLaunchTemplateVersion",
            "ec2:ModifyLaunchTemplate",
        ],
        how: "puts its own commands into the launch template of instances to come and acts as their role",
        source: PATHFINDING,
    },
    Combination {
        name: "codebuild-batch-override",
        actions: &["codebuild:StartBuildBatch"],
        how: "runs its own commands in a batch of builds, which acts as the project's role",
        source: PATHFINDING,
    },
    Combination {
        name: "pass-role-sagemaker-notebook-lifecycle",
        actions: &["iam:PassRole", "sagemaker:CreateNotebookInstance"],
        how: "starts a notebook with another role, whose lifecycle configuration runs commands",
        source: PATHFINDING,
    },
    Combination {
        name: "sagemaker-lifecycle",
        actions: &[
            "sagemaker:UpdateNotebookInstanceLifecycleConfig",
            "sagemaker:StopNotebookInstance",
            "sagemaker:StartNotebookInstance",
        ],
        how: "rewrites what a notebook runs at its start and acts as its role",
        source: PATHFINDING,
    },
    Combination {
        name: "sagemaker-lifecycle-new",
        actions: &[
            "sagemaker:CreateNotebookInstanceLifecycleConfig",
            "sagemaker:UpdateNotebookInstance",
            "sagemaker:StopNotebookInstance",
            "sagemaker:StartNotebookInstance",
        ],
        how: "gives a notebook something to run at its start and acts as its role",
        source: PATHFINDING,
    },
    Combination {
        name: "pass-role-test-state",
        actions: &["iam:PassRole", "states:TestState"],
        how: "calls any API as another role, by the test of a state",
        source: PATHFINDING,
    },
    Combination {
        name: "ssm-association",
        actions: &["ssm:CreateAssociation"],
        how: "runs commands on instances by an association and acts as their roles",
        source: PATHFINDING,
    },
    Combination {
        name: "ssm-association-update",
        actions: &["ssm:UpdateAssociation"],
        how: "changes the commands of an association and acts as the roles of its instances",
        source: PATHFINDING,
    },
    Combination {
        name: "ssm-maintenance-window",
        actions: &[
            "ssm:RegisterTargetWithMaintenanceWindow",
            "ssm:RegisterTaskWithMaintenanceWindow",
        ],
        how: "runs commands on instances in a maintenance window and acts as their roles",
        source: PATHFINDING,
    },
    Combination {
        name: "pass-role-stack-set-update",
        actions: &["iam:PassRole", "cloudformation:UpdateStackSet"],
        how: "changes the template of stacks that act as another role",
        source: PATHFINDING,
    },
    Combination {
        name: "agent-runtime-command",
        actions: &["bedrock-agentcore:InvokeAgentRuntimeCommand"],
        how: "runs commands in an agent's runtime and acts as its role",
        source: PATHFINDING,
    },
    Combination {
        name: "code-interpreter",
        actions: &[
            "bedrock-agentcore:StartCodeInterpreterSession",
            "bedrock-agentcore:InvokeCodeInterpreter",
        ],
        how: "runs code in an interpreter that is there and acts as its role",
        source: PATHFINDING,
    },
    Combination {
        name: "pass-role-agent-runtime",
        actions: &[
            "iam:PassRole",
            "bedrock-agentcore:CreateAgentRuntime",
            "bedrock-agentcore:InvokeAgentRuntime",
        ],
        how: "runs its own agent as another role",
        source: PATHFINDING,
    },
    Combination {
        name: "app-runner-update",
        actions: &["apprunner:UpdateService"],
        how: "replaces the container of a service that is there and acts as its role",
        source: PATHFINDING,
    },
    Combination {
        name: "batch-submit",
        actions: &["batch:SubmitJob"],
        how: "runs its own command in a job that is defined and acts as its role",
        source: PATHFINDING,
    },
    Combination {
        name: "codedeploy",
        actions: &["codedeploy:CreateDeployment"],
        how: "deploys its own revision, whose hooks run on instances, and acts as their roles",
        source: PATHFINDING,
    },
    Combination {
        name: "pass-role-pod-identity",
        actions: &["iam:PassRole", "eks:CreatePodIdentityAssociation"],
        how: "gives the pods of a cluster another role",
        source: PATHFINDING,
    },
    Combination {
        name: "pass-role-image-builder",
        actions: &[
            "iam:PassRole",
            "imagebuilder:CreateComponent",
            "imagebuilder:CreateInfrastructureConfiguration",
            "imagebuilder:CreateImage",
        ],
        how: "builds an image by its own commands on an instance with another role",
        source: PATHFINDING,
    },
];
