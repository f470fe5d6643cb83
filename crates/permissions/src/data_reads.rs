//! Reads of data, told apart from reads of metadata.
//!
//! AWS classes both as Read, and some reads of data as Write. Metadata says that a bucket is there
//! and how it is set up; data is what lies in it. Chosen by hand, by what the action's page in the
//! service's API reference says it returns. What is left out although it may hold a secret is
//! configuration: user data of instances (`ec2:DescribeInstanceAttribute`), environments of builds,
//! templates of stacks.

use std::sync::LazyLock;

use crate::action::Action;
use crate::set::ActionSet;

/// What an action reads, in a few words, if that is data: `s3:GetObject` reads "objects of
/// buckets".
pub fn data_read(action: Action) -> Option<&'static str> {
    if !data_reads().contains(action) {
        return None;
    }
    let text = action.to_string();
    DATA_READS
        .iter()
        .find(|(name, _)| text.eq_ignore_ascii_case(name))
        .map(|(_, what)| *what)
}

/// All reads of data.
pub fn data_reads() -> &'static ActionSet {
    static SET: LazyLock<ActionSet> = LazyLock::new(|| {
        DATA_READS
            .iter()
            .filter_map(|(name, _)| Action::find(name))
            .collect()
    });
    &SET
}

/// Action, and what it reads. By service and name.
pub(crate) const DATA_READS: &[(&str, &str)] = &[
    ("acm:ExportCertificate", "private keys of certificates"),
    ("amplify:GetArtifactUrl", "artifacts of builds"),
    ("aoss:APIAccessAll", "documents of search collections"),
    (
        "appconfig:GetConfiguration",
        "configurations of applications",
    ),
    (
        "appconfig:GetLatestConfiguration",
        "configurations of applications",
    ),
    ("athena:GetQueryResults", "results of queries"),
    ("athena:GetQueryResultsStream", "results of queries"),
    ("athena:GetSessionEndpoint", "tokens of sessions"),
    ("backup-storage:GetBaseBackup", "backups"),
    ("backup-storage:GetChunk", "backups"),
    ("backup-storage:GetIncrementalBaseBackup", "backups"),
    ("bedrock:Retrieve", "documents of knowledge bases"),
    (
        "bedrock-agentcore:GetResourceApiKey",
        "keys of other services",
    ),
    (
        "bedrock-agentcore:GetResourceOauth2Token",
        "tokens of other services",
    ),
    (
        "bedrock-agentcore:GetWorkloadAccessToken",
        "tokens of agents",
    ),
    (
        "bedrock-agentcore:GetWorkloadAccessTokenForJWT",
        "tokens of agents",
    ),
    (
        "bedrock-agentcore:GetWorkloadAccessTokenForUserId",
        "tokens of agents",
    ),
    ("cassandra:Select", "rows of tables"),
    ("cassandra:SelectMultiRegionResource", "rows of tables"),
    ("chime:GetChannelMessage", "chat messages"),
    ("cloudshell:GetFileDownloadUrls", "files of shells"),
    ("codeartifact:GetAuthorizationToken", "packages"),
    ("codeartifact:GetPackageVersionAsset", "packages"),
    ("codeartifact:ReadFromRepository", "packages"),
    ("codecommit:GetBlob", "source code"),
    ("codecommit:GetFile", "source code"),
    ("codecommit:GitPull", "source code"),
    ("codeconnections:UseConnection", "source code"),
    ("codestar-connections:UseConnection", "source code"),
    (
        "cognito-identity:GetCredentialsForIdentity",
        "credentials of identity pools",
    ),
    (
        "cognito-identity:GetOpenIdTokenForDeveloperIdentity",
        "tokens of anybody in identity pools",
    ),
    ("cognito-idp:AdminGetUser", "users' attributes"),
    ("cognito-idp:GetTokensFromRefreshToken", "users' tokens"),
    ("cognito-idp:ListUsers", "users' attributes"),
    ("connect:GetContactAttributes", "what callers said"),
    ("connect:GetFederationToken", "contact centers"),
    ("dataexchange:SendApiAsset", "data sets"),
    (
        "datazone:GetEnvironmentCredentials",
        "credentials of environments",
    ),
    ("datazone:GetIamPortalLoginUrl", "data portals"),
    ("dax:BatchGetItem", "items of tables"),
    ("dax:GetItem", "items of tables"),
    ("dax:Query", "items of tables"),
    ("dax:Scan", "items of tables"),
    ("deadline:AssumeFleetRoleForRead", "credentials of fleets"),
    ("deadline:AssumeQueueRoleForRead", "credentials of queues"),
    ("deadline:AssumeQueueRoleForUser", "credentials of queues"),
    ("deadline:AssumeQueueRoleForWorker", "credentials of queues"),
    ("dsql:DbConnect", "rows of databases"),
    ("dsql:DbConnectAdmin", "rows of databases"),
    ("dynamodb:BatchGetItem", "items of tables"),
    ("dynamodb:GetItem", "items of tables"),
    ("dynamodb:GetRecords", "changes of items"),
    ("dynamodb:PartiQLSelect", "items of tables"),
    ("dynamodb:Query", "items of tables"),
    ("dynamodb:Scan", "items of tables"),
    ("ebs:GetSnapshotBlock", "blocks of snapshots of disks"),
    (
        "ec2:GetConsoleOutput",
        "what instances print to their console",
    ),
    (
        "ec2:GetConsoleScreenshot",
        "what instances show on their console",
    ),
    (
        "ec2:GetPasswordData",
        "administrators' passwords of Windows instances",
    ),
    ("ecr:BatchGetImage", "container images"),
    ("ecr:GetDownloadUrlForLayer", "container images"),
    ("elasticache:Connect", "caches"),
    ("elasticfilesystem:ClientMount", "files of file systems"),
    (
        "elasticmapreduce:GetClusterSessionCredentials",
        "credentials of clusters",
    ),
    (
        "elasticmapreduce:GetOnClusterAppUIPresignedURL",
        "data of clusters",
    ),
    (
        "elasticmapreduce:GetPersistentAppUIPresignedURL",
        "data of clusters",
    ),
    (
        "elasticmapreduce:GetSessionEndpoint",
        "sessions of clusters",
    ),
    (
        "emr-containers:GetManagedEndpointSessionCredentials",
        "credentials of endpoints",
    ),
    ("emr-serverless:GetDashboardForJobRun", "logs of jobs"),
    (
        "emr-serverless:GetSessionEndpoint",
        "sessions of applications",
    ),
    ("es:ESHttpGet", "documents of search domains"),
    ("es:ESHttpPost", "documents of search domains"),
    ("gamelift:GetComputeAccess", "credentials of instances"),
    ("gamelift:GetComputeAuthToken", "tokens of game servers"),
    ("gamelift:GetInstanceAccess", "credentials of instances"),
    ("glacier:GetJobOutput", "archives"),
    ("glue:GetConnection", "passwords of connections"),
    ("glue:GetConnections", "passwords of connections"),
    ("healthlake:ReadResource", "health records"),
    ("healthlake:SearchWithGet", "health records"),
    ("healthlake:SearchWithPost", "health records"),
    ("identitystore:DescribeUser", "users' attributes"),
    ("identitystore:ListUsers", "users' attributes"),
    ("iot:GetRetainedMessage", "messages"),
    ("kafka-cluster:ReadData", "records of topics"),
    ("kendra:Query", "documents of search indexes"),
    ("kinesis:GetRecords", "records of streams"),
    ("kinesis:SubscribeToShard", "records of streams"),
    ("kinesisvideo:GetClip", "video"),
    ("kinesisvideo:GetImages", "video"),
    ("kinesisvideo:GetMedia", "video"),
    ("kinesisvideo:GetMediaForFragmentList", "video"),
    ("kms:Decrypt", "whatever a key encrypts"),
    ("lakeformation:GetDataAccess", "tables of data lakes"),
    (
        "lakeformation:GetTemporaryGluePartitionCredentials",
        "tables of data lakes",
    ),
    (
        "lakeformation:GetTemporaryGlueTableCredentials",
        "tables of data lakes",
    ),
    ("lambda:GetFunction", "code and environment of functions"),
    ("lambda:GetLayerVersion", "code of layers"),
    ("lightsail:CreateBucketAccessKey", "objects of buckets"),
    (
        "lightsail:CreateContainerServiceRegistryLogin",
        "container images",
    ),
    (
        "lightsail:DownloadDefaultKeyPair",
        "private keys of instances",
    ),
    (
        "lightsail:GetInstanceAccessDetails",
        "keys and passwords of instances",
    ),
    (
        "lightsail:GetRelationalDatabaseMasterUserPassword",
        "passwords of databases",
    ),
    ("logs:FilterLogEvents", "log events"),
    ("logs:GetLogEvents", "log events"),
    ("logs:GetLogRecord", "log events"),
    ("logs:GetQueryResults", "log events"),
    ("logs:StartLiveTail", "log events"),
    ("logs:Unmask", "what is masked in log events"),
    ("medical-imaging:GetImageFrame", "medical images"),
    ("memorydb:Connect", "caches"),
    ("mobiletargeting:GetEndpoint", "users' addresses"),
    ("neptune-db:ReadDataViaQuery", "graphs"),
    ("neptune-graph:ReadDataViaQuery", "graphs"),
    ("omics:GetReadSet", "genomes"),
    ("profile:SearchProfiles", "customers' profiles"),
    ("qldb:PartiQLSelect", "ledgers"),
    ("quicksight:GenerateEmbedUrlForRegisteredUser", "dashboards"),
    ("quicksight:GetDashboardEmbedUrl", "dashboards"),
    ("quicksight:GetSessionEmbedUrl", "dashboards"),
    ("rds:DownloadCompleteDBLogFile", "logs of databases"),
    ("rds:DownloadDBLogFilePortion", "logs of databases"),
    ("rds-data:ExecuteStatement", "rows of databases"),
    ("rds-db:connect", "rows of databases"),
    ("redshift:GetClusterCredentials", "rows of data warehouses"),
    (
        "redshift:GetClusterCredentialsWithIAM",
        "rows of data warehouses",
    ),
    (
        "redshift-data:GetStatementResult",
        "rows of data warehouses",
    ),
    (
        "redshift-serverless:GetCredentials",
        "rows of data warehouses",
    ),
    ("s3:GetDataAccess", "objects of buckets"),
    ("s3:GetObject", "objects of buckets"),
    ("s3:GetObjectTorrent", "objects of buckets"),
    ("s3:GetObjectVersion", "earlier versions of objects"),
    ("s3:GetObjectVersionTorrent", "earlier versions of objects"),
    ("s3-object-lambda:GetObject", "objects of buckets"),
    (
        "s3-object-lambda:GetObjectVersion",
        "earlier versions of objects",
    ),
    ("s3-outposts:GetObject", "objects of buckets"),
    (
        "s3-outposts:GetObjectVersion",
        "earlier versions of objects",
    ),
    ("s3express:CreateSession", "objects of directory buckets"),
    ("s3tables:GetTableData", "rows of tables"),
    ("sdb:GetAttributes", "items of domains"),
    ("sdb:Select", "items of domains"),
    ("secretsmanager:BatchGetSecretValue", "secrets"),
    ("secretsmanager:GetSecretValue", "secrets"),
    ("ses:GetArchiveMessage", "archived e-mail"),
    ("ses:GetArchiveMessageContent", "archived e-mail"),
    ("social-messaging:GetWhatsAppMessageMedia", "messages"),
    ("sqs:ReceiveMessage", "messages of queues"),
    ("ssm:GetAccessToken", "credentials of sessions on instances"),
    (
        "ssm:GetCommandInvocation",
        "what commands on instances printed",
    ),
    ("ssm:GetParameter", "parameters, secure strings among them"),
    ("ssm:GetParameterHistory", "earlier values of parameters"),
    ("ssm:GetParameters", "parameters, secure strings among them"),
    (
        "ssm:GetParametersByPath",
        "parameters, secure strings among them",
    ),
    ("timestream:Select", "rows of tables"),
    ("transcribe:GetTranscriptionJob", "transcripts"),
    ("workdocs:GetDocument", "documents"),
    ("workdocs:GetDocumentVersion", "documents"),
    (
        "workmailmessageflow:GetRawMessageContent",
        "e-mail in transit",
    ),
];
