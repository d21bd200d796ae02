package example;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;
import java.util.UUID;

/** Requests and responses; Jackson reads and writes byte[] as Base64. */
final class Messages {
    private Messages() {}

    record RequestMetadata(
        String awsPrincipalArn, String kmsKeyArn, String kmsOperation, String kmsRequestId) {
        RequestMetadata {
            if (XksProxy.wrong("uuid")) {
                UUID.fromString(kmsRequestId);
            }
        }
    }

    record Request(RequestMetadata requestMetadata) {}

    record EncryptRequest(
        RequestMetadata requestMetadata,
        byte[] plaintext,
        String encryptionAlgorithm,
        byte[] additionalAuthenticatedData,
        String ciphertextDataIntegrityValueAlgorithm) {}

    @JsonInclude(JsonInclude.Include.NON_NULL)
    record EncryptResponse(
        byte[] ciphertext,
        byte[] initializationVector,
        byte[] authenticationTag,
        byte[] ciphertextDataIntegrityValue) {}

    record DecryptRequest(
        RequestMetadata requestMetadata,
        byte[] ciphertext,
        byte[] ciphertextMetadata,
        String encryptionAlgorithm,
        byte[] additionalAuthenticatedData,
        byte[] initializationVector,
        byte[] authenticationTag) {}

    record DecryptResponse(byte[] plaintext) {}

    record KeyMetadata(String keySpec, List<String> keyUsage, String keyStatus) {}

    record KeyManager(String id, String model, String healthStatus) {}

    record Health(
        int xksProxyFleetSize,
        String xksProxyVendor,
        String xksProxyModel,
        String ekmVendor,
        List<KeyManager> ekmFleetDetails) {}
}
