//! The events by which a resource crosses the account's border without a role: rows of the table.
//!
//! Who gets access by a call stands in a list of accounts and ARNs, in the text of a policy, or in both: then
//! the policy counts. A call that takes access away has no row here, and one that may do either
//! counts by what it adds.

use super::meaning::Means;
use super::row::{Places, Row, row};
use super::share::{Lets, Share, Sure};

const fn share(kind: &'static str, arn: &'static str, sure: Sure) -> Share {
    Share {
        kind,
        arn,
        lets: Lets::ThoseIfAny,
        only: None,
        sure,
    }
}

impl Share {
    const fn lets(self, lets: Lets) -> Self {
        Self { lets, ..self }
    }

    const fn only(self, place: &'static str, text: &'static str) -> Self {
        Self {
            only: Some((place, text)),
            ..self
        }
    }
}

const fn shared(
    name: &'static str,
    how: &'static Share,
    subject: Places,
    what: Places,
    content: Places,
) -> Row {
    row(name, Means::Shared(how), subject, what, content)
}

use Lets::{Everyone, In, More, Others, Those};
use Sure::{Described, Expected, Seen};

const RESOURCE_SHARE: Share = share(
    "resource share",
    "arn:{partition}:ram:{region}:{account}:resource-share/{name}",
    Described,
);
const EXTERNALS: Share = RESOURCE_SHARE
    .lets(Others)
    .only("requestParameters.allowExternalPrincipals", "true");
const SHARE_PERMISSION: Share = RESOURCE_SHARE.lets(More);
const INVITATION: Share = RESOURCE_SHARE.lets(In);
const WORKLOAD: Share = share(
    "Well-Architected workload",
    "arn:{partition}:wellarchitected:{region}:{account}:workload/{name}",
    Expected,
)
.lets(Those);
const LENS: Share = share(
    "Well-Architected lens",
    "arn:{partition}:wellarchitected:{region}:{account}:lens/{name}",
    Expected,
)
.lets(Those);
const PROFILE: Share = share(
    "Well-Architected profile",
    "arn:{partition}:wellarchitected:{region}:{account}:profile/{name}",
    Expected,
)
.lets(Those);
const REVIEW_TEMPLATE: Share = share(
    "Well-Architected review template",
    "arn:{partition}:wellarchitected:{region}:{account}:review-template/{name}",
    Expected,
)
.lets(Those);
const SNAPSHOT: Share = share(
    "snapshot",
    "arn:{partition}:ec2:{region}::snapshot/{name}",
    Seen,
);
const IMAGE: Share = share("image", "arn:{partition}:ec2:{region}::image/{name}", Seen);
const ENDPOINT_SERVICE: Share = share(
    "VPC endpoint service",
    "arn:{partition}:ec2:{region}:{account}:vpc-endpoint-service/{name}",
    Expected,
);
const DB_SNAPSHOT: Share = share(
    "database snapshot",
    "arn:{partition}:rds:{region}:{account}:snapshot:{name}",
    Seen,
)
.only("requestParameters.attributeName", "restore");
const DB_CLUSTER_SNAPSHOT: Share = share(
    "database cluster snapshot",
    "arn:{partition}:rds:{region}:{account}:cluster-snapshot:{name}",
    Described,
)
.only("requestParameters.attributeName", "restore");
const FUNCTION: Share = share(
    "Lambda function",
    "arn:{partition}:lambda:{region}:{account}:function:{name}",
    Seen,
)
.lets(Those);
const FUNCTION_POLICY: Share = share(
    "Lambda function",
    "arn:{partition}:lambda:{region}:{account}:function:{name}",
    Expected,
)
.lets(Those);
const FUNCTION_URL: Share = share(
    "Lambda function's URL",
    "arn:{partition}:lambda:{region}:{account}:function:{name}",
    Described,
)
.lets(Everyone)
.only("requestParameters.authType", "NONE");
const LAYER: Share = share(
    "Lambda layer",
    "arn:{partition}:lambda:{region}:{account}:layer:{name}",
    Described,
)
.lets(Those);
const KEY: Share = share(
    "KMS key",
    "arn:{partition}:kms:{region}:{account}:key/{name}",
    Described,
)
.lets(Those);
const NEW_KEY: Share = KEY.lets(Lets::ThoseIfAny);
const BUCKET: Share = share("bucket", "arn:{partition}:s3:::{name}", Described).lets(Those);
const BUCKET_ACL: Share = BUCKET.lets(Lets::ThoseIfAny);
const OBJECT_ACL: Share = share(
    "object in the bucket",
    "arn:{partition}:s3:::{name}",
    Described,
);
const ACCESS_POINT: Share = share(
    "access point",
    "arn:{partition}:s3:{region}:{account}:accesspoint/{name}",
    Expected,
)
.lets(Those);
const PUBLIC_BLOCK: Share = BUCKET.lets(Others);
const PUBLIC_BLOCK_OFF: Share =
    PUBLIC_BLOCK.only("requestParameters.PublicAccessBlockConfiguration", "false");
const ACCOUNT_BLOCK: Share = share(
    "S3 of the account",
    "arn:{partition}:s3:{region}:{account}:*",
    Described,
)
.lets(Others);
const ACCOUNT_BLOCK_OFF: Share =
    ACCOUNT_BLOCK.only("requestParameters.PublicAccessBlockConfiguration", "false");
const SECRET: Share = share(
    "secret",
    "arn:{partition}:secretsmanager:{region}:{account}:secret:{name}",
    Described,
)
.lets(Those);
const QUEUE: Share = share(
    "queue",
    "arn:{partition}:sqs:{region}:{account}:{name}",
    Described,
);
const TOPIC: Share = share(
    "topic",
    "arn:{partition}:sns:{region}:{account}:{name}",
    Described,
);
const TOPIC_POLICY: Share = TOPIC.only("requestParameters.attributeName", "Policy");
const REPOSITORY: Share = share(
    "ECR repository",
    "arn:{partition}:ecr:{region}:{account}:repository/{name}",
    Described,
)
.lets(Those);
const FILE_SYSTEM: Share = share(
    "file system",
    "arn:{partition}:elasticfilesystem:{region}:{account}:file-system/{name}",
    Expected,
)
.lets(Those);
const EVENT_BUS: Share = share(
    "event bus",
    "arn:{partition}:events:{region}:{account}:event-bus/{name}",
    Expected,
)
.lets(Those);
const DESTINATION: Share = share(
    "log destination",
    "arn:{partition}:logs:{region}:{account}:destination:{name}",
    Expected,
)
.lets(Those);
const LOGS_POLICY: Share = share(
    "CloudWatch Logs, by the policy",
    "arn:{partition}:logs:{region}:{account}:resource-policy:{name}",
    Expected,
)
.lets(Those);
const CATALOG: Share = share(
    "Glue catalog",
    "arn:{partition}:glue:{region}:{account}:catalog",
    Expected,
)
.lets(Those);
const DOMAIN: Share = share(
    "OpenSearch domain",
    "arn:{partition}:es:{region}:{account}:domain/{name}",
    Expected,
);
const VAULT: Share = share(
    "backup vault",
    "arn:{partition}:backup:{region}:{account}:backup-vault:{name}",
    Expected,
)
.lets(Those);
const REST_API: Share = share(
    "REST API",
    "arn:{partition}:apigateway:{region}::/restapis/{name}",
    Expected,
);
const IDENTITY: Share = share(
    "SES identity",
    "arn:{partition}:ses:{region}:{account}:identity/{name}",
    Expected,
)
.lets(Those);
const PACKAGES: Share = share(
    "CodeArtifact domain or repository",
    "arn:{partition}:codeartifact:{region}:{account}:domain/{name}",
    Expected,
)
.lets(Those);
const TABLE: Share = share(
    "DynamoDB table",
    "arn:{partition}:dynamodb:{region}:{account}:table/{name}",
    Expected,
);
const TABLE_POLICY: Share = TABLE.lets(Those);

const RAM_SHARE: Places = &[
    "requestParameters.resourceShareArn",
    "responseElements.resourceShare.resourceShareArn",
    "requestParameters.name",
];
const PRINCIPALS: Places = &["requestParameters.principals"];
const SHARED_WITH: Places = &["requestParameters.sharedWith"];
const POLICY: Places = &["requestParameters.policy"];
const FUNCTION_NAME: Places = &["requestParameters.functionName"];
// An organization is a condition on `*`.
const PRINCIPAL: Places = &[
    "requestParameters.principal",
    "requestParameters.principalOrgID",
    "requestParameters.organizationId",
];
const STATEMENT: Places = &["responseElements.statement"];
const LAYER_NAME: Places = &["requestParameters.layerName"];
const KEY_ID: Places = &[
    "requestParameters.keyId",
    "responseElements.keyMetadata.arn",
];
const BUCKET_NAME: Places = &["requestParameters.bucketName"];
const ACL: Places = &[
    "requestParameters.AccessControlPolicy.AccessControlList.Grant.Grantee.URI",
    "requestParameters.AccessControlPolicy.AccessControlList.Grant.Grantee.ID",
    "requestParameters.AccessControlPolicy.AccessControlList.Grant.Grantee.EmailAddress",
    "requestParameters.x-amz-acl",
    "requestParameters.accessControlList",
    "requestParameters.x-amz-grant-full-control",
    "requestParameters.x-amz-grant-read",
    "requestParameters.x-amz-grant-write",
    "requestParameters.x-amz-grant-read-acp",
    "requestParameters.x-amz-grant-write-acp",
];
const QUEUE_NAME: Places = &[
    "requestParameters.queueUrl",
    "responseElements.queueUrl",
    "requestParameters.queueName",
];
const ATTRIBUTE_POLICY: Places = &["requestParameters.attributes.Policy"];
const TOPIC_NAME: Places = &[
    "requestParameters.topicArn",
    "responseElements.topicArn",
    "requestParameters.name",
];
const DOMAIN_NAME: Places = &["requestParameters.domainName"];
const ACCESS_POLICIES: Places = &["requestParameters.accessPolicies"];
const EMAIL_IDENTITY: Places = &[
    "requestParameters.emailIdentity",
    "requestParameters.identity",
];

#[rustfmt::skip]
pub(super) const SHARES: &[(&str, &[Row])] = &[
    ("ram.amazonaws.com", &[
        shared("CreateResourceShare", &RESOURCE_SHARE, RAM_SHARE, PRINCIPALS, &[]),
        shared("AssociateResourceShare", &RESOURCE_SHARE, RAM_SHARE, PRINCIPALS, &[]),
        shared("UpdateResourceShare", &EXTERNALS, RAM_SHARE, &[], &[]),
        shared("AssociateResourceSharePermission", &SHARE_PERMISSION, RAM_SHARE, &[], &[]),
        shared("AcceptResourceShareInvitation", &INVITATION, &["responseElements.resourceShareInvitation.resourceShareArn", "requestParameters.resourceShareInvitationArn"], &["responseElements.resourceShareInvitation.senderAccountId"], &[]),
    ]),
    ("wellarchitected.amazonaws.com", &[
        shared("CreateWorkloadShare", &WORKLOAD, &["requestParameters.workloadId"], SHARED_WITH, &[]),
        shared("CreateLensShare", &LENS, &["requestParameters.lensAlias"], SHARED_WITH, &[]),
        shared("CreateProfileShare", &PROFILE, &["requestParameters.profileArn"], SHARED_WITH, &[]),
        // By the template's ARN.
        shared("CreateTemplateShare", &REVIEW_TEMPLATE, &["requestParameters.templateArn"], SHARED_WITH, &[]),
    ]),
    ("ec2.amazonaws.com", &[
        shared("ModifySnapshotAttribute", &SNAPSHOT, &["requestParameters.snapshotId"], &["requestParameters.createVolumePermission.add"], &[]),
        shared("ModifyImageAttribute", &IMAGE, &["requestParameters.imageId"], &["requestParameters.launchPermission.add"], &[]),
        shared("ModifyVpcEndpointServicePermissions", &ENDPOINT_SERVICE, &["requestParameters.ModifyVpcEndpointServicePermissionsRequest.serviceId", "requestParameters.serviceId"], &["requestParameters.ModifyVpcEndpointServicePermissionsRequest.addAllowedPrincipals", "requestParameters.addAllowedPrincipals"], &[]),
    ]),
    ("rds.amazonaws.com", &[
        shared("ModifyDBSnapshotAttribute", &DB_SNAPSHOT, &["requestParameters.dBSnapshotIdentifier"], &["requestParameters.valuesToAdd"], &[]),
        shared("ModifyDBClusterSnapshotAttribute", &DB_CLUSTER_SNAPSHOT, &["requestParameters.dBClusterSnapshotIdentifier"], &["requestParameters.valuesToAdd"], &[]),
    ]),
    ("lambda.amazonaws.com", &[
        // The answer has the statement that was made, with its conditions.
        shared("AddPermission20150331v2", &FUNCTION, FUNCTION_NAME, PRINCIPAL, STATEMENT),
        shared("AddPermission20150331", &FUNCTION, FUNCTION_NAME, PRINCIPAL, STATEMENT),
        shared("AddPermission", &FUNCTION, FUNCTION_NAME, PRINCIPAL, STATEMENT),
        shared("PutResourcePolicy", &FUNCTION_POLICY, &["requestParameters.resourceArn"], &[], POLICY),
        shared("CreateFunctionUrlConfig", &FUNCTION_URL, FUNCTION_NAME, &[], &[]),
        shared("UpdateFunctionUrlConfig", &FUNCTION_URL, FUNCTION_NAME, &[], &[]),
        shared("AddLayerVersionPermission20181031", &LAYER, LAYER_NAME, PRINCIPAL, STATEMENT),
        shared("AddLayerVersionPermission", &LAYER, LAYER_NAME, PRINCIPAL, STATEMENT),
    ]),
    ("kms.amazonaws.com", &[
        shared("PutKeyPolicy", &KEY, KEY_ID, &[], POLICY),
        // Without a policy of its own the key is the account's.
        shared("CreateKey", &NEW_KEY, &["responseElements.keyMetadata.arn"], &[], POLICY),
        shared("ReplicateKey", &NEW_KEY, &["responseElements.replicaKeyMetadata.arn", "requestParameters.keyId"], &[], POLICY),
        shared("CreateGrant", &KEY, KEY_ID, &["requestParameters.granteePrincipal"], &[]),
    ]),
    ("s3.amazonaws.com", &[
        shared("PutBucketPolicy", &BUCKET, BUCKET_NAME, &[], &["requestParameters.bucketPolicy", "requestParameters.policy"]),
        shared("PutBucketAcl", &BUCKET_ACL, BUCKET_NAME, ACL, &[]),
        shared("PutObjectAcl", &OBJECT_ACL, BUCKET_NAME, ACL, &[]),
        shared("PutAccessPointPolicy", &ACCESS_POINT, &["requestParameters.name"], &[], POLICY),
        shared("PutBucketPublicAccessBlock", &PUBLIC_BLOCK_OFF, BUCKET_NAME, &[], &[]),
        shared("DeleteBucketPublicAccessBlock", &PUBLIC_BLOCK, BUCKET_NAME, &[], &[]),
        shared("PutAccountPublicAccessBlock", &ACCOUNT_BLOCK_OFF, &[], &[], &[]),
        shared("DeleteAccountPublicAccessBlock", &ACCOUNT_BLOCK, &[], &[], &[]),
    ]),
    ("secretsmanager.amazonaws.com", &[
        shared("PutResourcePolicy", &SECRET, &["responseElements.arn", "requestParameters.secretId"], &[], &["requestParameters.resourcePolicy"]),
    ]),
    ("sqs.amazonaws.com", &[
        shared("CreateQueue", &QUEUE, QUEUE_NAME, &[], ATTRIBUTE_POLICY),
        shared("SetQueueAttributes", &QUEUE, QUEUE_NAME, &[], ATTRIBUTE_POLICY),
        shared("AddPermission", &QUEUE, QUEUE_NAME, &["requestParameters.aWSAccountIds"], &[]),
    ]),
    ("sns.amazonaws.com", &[
        shared("CreateTopic", &TOPIC, TOPIC_NAME, &[], ATTRIBUTE_POLICY),
        shared("SetTopicAttributes", &TOPIC_POLICY, TOPIC_NAME, &[], &["requestParameters.attributeValue"]),
        shared("AddPermission", &TOPIC, TOPIC_NAME, &["requestParameters.aWSAccountId", "requestParameters.aWSAccountIds"], &[]),
    ]),
    ("ecr.amazonaws.com", &[
        shared("SetRepositoryPolicy", &REPOSITORY, &["requestParameters.repositoryName"], &[], &["requestParameters.policyText"]),
    ]),
    ("elasticfilesystem.amazonaws.com", &[
        shared("PutFileSystemPolicy", &FILE_SYSTEM, &["requestParameters.fileSystemId"], &[], POLICY),
    ]),
    ("events.amazonaws.com", &[
        // An organization is named by `*` and a condition.
        shared("PutPermission", &EVENT_BUS, &["requestParameters.eventBusName"], &["requestParameters.condition.value", "requestParameters.principal"], POLICY),
    ]),
    ("logs.amazonaws.com", &[
        shared("PutDestinationPolicy", &DESTINATION, &["requestParameters.destinationName"], &[], &["requestParameters.accessPolicy"]),
        shared("PutResourcePolicy", &LOGS_POLICY, &["requestParameters.resourceArn", "requestParameters.policyName"], &[], &["requestParameters.policyDocument"]),
    ]),
    ("glue.amazonaws.com", &[
        shared("PutResourcePolicy", &CATALOG, &["requestParameters.resourceArn"], &[], &["requestParameters.policyInJson"]),
    ]),
    ("es.amazonaws.com", &[
        shared("CreateDomain", &DOMAIN, DOMAIN_NAME, &[], ACCESS_POLICIES),
        shared("UpdateDomainConfig", &DOMAIN, DOMAIN_NAME, &[], ACCESS_POLICIES),
        shared("CreateElasticsearchDomain", &DOMAIN, DOMAIN_NAME, &[], ACCESS_POLICIES),
        shared("UpdateElasticsearchDomainConfig", &DOMAIN, DOMAIN_NAME, &[], ACCESS_POLICIES),
    ]),
    ("backup.amazonaws.com", &[
        shared("PutBackupVaultAccessPolicy", &VAULT, &["requestParameters.backupVaultName"], &[], POLICY),
    ]),
    ("apigateway.amazonaws.com", &[
        shared("CreateRestApi", &REST_API, &["responseElements.id", "requestParameters.createRestApiInput.name"], &[], &["requestParameters.createRestApiInput.policy", "requestParameters.policy"]),
        shared("UpdateRestApi", &REST_API, &["requestParameters.restApiId"], &[], &["requestParameters.updateRestApiInput.patchOperations.value", "requestParameters.patchOperations.value"]),
    ]),
    ("ses.amazonaws.com", &[
        shared("PutIdentityPolicy", &IDENTITY, EMAIL_IDENTITY, &[], POLICY),
        shared("CreateEmailIdentityPolicy", &IDENTITY, EMAIL_IDENTITY, &[], POLICY),
        shared("UpdateEmailIdentityPolicy", &IDENTITY, EMAIL_IDENTITY, &[], POLICY),
    ]),
    ("codeartifact.amazonaws.com", &[
        shared("PutDomainPermissionsPolicy", &PACKAGES, &["responseElements.policy.resourceArn", "requestParameters.domain"], &[], &["requestParameters.policyDocument"]),
        shared("PutRepositoryPermissionsPolicy", &PACKAGES, &["responseElements.policy.resourceArn", "requestParameters.domain"], &[], &["requestParameters.policyDocument"]),
    ]),
    ("dynamodb.amazonaws.com", &[
        shared("CreateTable", &TABLE, &["requestParameters.tableName"], &[], &["requestParameters.resourcePolicy"]),
        shared("PutResourcePolicy", &TABLE_POLICY, &["requestParameters.resourceArn"], &[], POLICY),
    ]),
];
